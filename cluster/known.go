package cluster

// NearestSetting gives the setting that is meant by a name that is none, in
// whatever form it was written, if it is off by two letters at most: a slip, and
// no word of somebody else's.
func NearestSetting(written string) (name string, found bool) {
	const slip = 2
	best := slip + 1
	for _, k := range settingsInUse() {
		if d := editDistance(SettingName(written), k); d < best {
			name, best = k, d
		}
	}
	return name, name != ""
}
