package images

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// architecture is one that upstream supports etcd on without
// ETCD_UNSUPPORTED_ARCH, and how an ELF header says it.
type architecture struct {
	name    string // GOARCH, which is also OCI's name
	machine elf.Machine
	order   binary.ByteOrder
}

// architectures are those of etcd's release archives.
// Source: etcd's documentation, "Supported platforms".
var architectures = []architecture{
	{"amd64", elf.EM_X86_64, binary.LittleEndian},
	{"arm64", elf.EM_AARCH64, binary.LittleEndian},
	{"ppc64le", elf.EM_PPC64, binary.LittleEndian},
	{"s390x", elf.EM_S390, binary.BigEndian},
}

// ParsePlatform reads "linux/arm64" or "arm64". Only platforms that upstream
// supports etcd on have a value.
func ParsePlatform(s string) (v1.Platform, error) {
	arch := strings.TrimPrefix(s, "linux/")
	for _, a := range architectures {
		if a.name == arch {
			return v1.Platform{OS: "linux", Architecture: arch}, nil
		}
	}
	var known []string
	for _, a := range architectures {
		known = append(known, "linux/"+a.name)
	}
	return v1.Platform{}, fmt.Errorf("platform %q: etcd has no images for it, use one of %s", s, strings.Join(known, ", "))
}

// architectureOf names the architecture an ELF file is for, or says what its
// header holds when etcd does not run on it.
func architectureOf(f *elf.File) string {
	for _, a := range architectures {
		if a.machine == f.Machine && a.order == f.ByteOrder {
			return a.name
		}
	}
	return strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_"))
}
