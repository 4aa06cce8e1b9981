package cluster

// Knows tells whether etcd 3.minor has a setting.
func Knows(minor int, name string) bool {
	known, ok := findSetting(name)
	return ok && known.first <= minor && minor <= known.last
}
