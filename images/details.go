package images

// Result is what was made, under a reference.
type Result struct {
	Reference string    `json:"reference"`
	Digest    string    `json:"digest"` // of the manifest or index; in a Docker Engine, the image's ID
	Images    []Details `json:"images"`
}

// Details are what an image is made of.
type Details struct {
	Platform string           `json:"platform"`
	Etcd     string           `json:"etcd"`
	Source   string           `json:"source"`
	ID       string           `json:"id"`
	Size     int64            `json:"size"` // bytes, unpacked
	Programs []ProgramDetails `json:"programs"`
}

// ProgramDetails are what is known of one of its programs.
type ProgramDetails struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Size    int64  `json:"size"`
	Static  bool   `json:"static"`
}

// Details tells what the image is made of.
func (img *Image) Details() Details {
	b := img.Binaries
	d := Details{
		Platform: b.Platform.String(), Etcd: b.Version, Source: b.Origin, ID: img.ID(), Size: img.Size(),
	}
	for _, p := range b.Programs {
		d.Programs = append(d.Programs, ProgramDetails{p.Name, p.Version, p.Size, p.Static})
	}
	return d
}
