package compose

import "github.com/etcdctr/etcdctr/cluster"

// File is a file by its name.
type File struct {
	Name string
	Data []byte
}

// UnitFiles are those that the members of c need under systemd, whose units start
// program.
func UnitFiles(c *cluster.Cluster, program string) []File {
	var files []File
	for _, m := range c.Members {
		files = append(files,
			File{UnitFileName(c, m), Unit(c, m, program)},
			File{UnitEnvFileName(c, m), UnitEnvFile(m)})
	}
	return append(files, File{"sysusers.conf", SysusersFile()})
}
