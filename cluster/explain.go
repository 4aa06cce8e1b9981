package cluster

// Explanation is all that is known of a setting of etcd.
type Explanation struct {
	Setting   string             `json:"setting"`
	Variable  string             `json:"variable"`
	What      string             `json:"what"`
	Key       string             `json:"clusterFileKey,omitempty"`
	Decided   string             `json:"decided,omitempty"` // instead of a key
	FirstOnly bool               `json:"firstStartOnly"`
	Needs     []string           `json:"needs,omitempty"`
	NeededBy  []string           `json:"neededBy,omitempty"`
	Risk      string             `json:"risk,omitempty"`
	Became    string             `json:"became,omitempty"`
	Releases  []SettingOfRelease `json:"releases"`
}

// SettingOfRelease is what one release has of a setting.
type SettingOfRelease struct {
	Release  string   `json:"release"`
	Support  string   `json:"support"`
	Known    bool     `json:"known"`
	Type     string   `json:"type,omitempty"`
	Words    []string `json:"words,omitempty"`
	Default  string   `json:"default,omitempty"`
	Standing string   `json:"standing,omitempty"`
}

// Explain tells all that is known of the setting.
func (k KnownSetting) Explain() Explanation {
	e := Explanation{
		Setting: k.Name, Variable: k.Env(), What: k.What, FirstOnly: BootstrapOnly(k.Name),
		Needs: k.Needs, NeededBy: k.NeededBy(), Risk: k.Risk, Became: k.Successor(),
	}
	if e.What == "" {
		e.What = "nothing any more: it is of long ago, and only accepted"
	}
	e.Key, e.Decided = KeyOf(k.Name)
	for _, r := range Releases() {
		o, known := k.In(r.Tested.Minor)
		e.Releases = append(e.Releases, SettingOfRelease{
			Release: r.Tested.String(), Support: string(r.Support), Known: known,
			Type: string(o.Kind), Words: o.Allowed, Default: o.Default, Standing: string(o.Standing),
		})
	}
	return e
}
