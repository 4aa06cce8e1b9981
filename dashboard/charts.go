package dashboard

import "math"

// Chart is a picture on the page: a line for each member.
type Chart struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Unit  string `json:"unit"` // seconds, bytes, cores, perSecond or count
	Help  string `json:"help"`
	// Lines are kept for each member: the first is drawn strongly.
	Lines []Line `json:"lines"`
	// Limit is a line of the chart that is no member's, such as a quota.
	Limit string `json:"limit,omitempty"`
}

// Line is a value of a member over time.
type Line struct {
	ID    string `json:"id"`
	Label string `json:"label"`

	value func(window) float64
}

// window is what a value is made of: what a member says now, what it said at the
// look before, and what it said a while ago. Something that happens every few
// seconds has no share of what is slow between two looks.
type window struct {
	past, before, now reading
	seconds           float64 // between before and now
}

// Charts are all, in their order on the page.
var Charts = []Chart{
	{
		ID: "writes", Title: "Writes take", Unit: "seconds",
		Help:  "How long a put, a deletion or a transaction takes from the request to its answer; before 3.7 etcd tells only how long it takes to apply one.",
		Lines: []Line{{"writes99", "p99", percentile(0.99, "writes", "applies")}, {"writes50", "median", percentile(0.5, "writes", "applies")}},
	},
	{
		ID: "reads", Title: "Reads take", Unit: "seconds",
		Help:  "How long a read takes. 3.5 does not tell.",
		Lines: []Line{{"reads99", "p99", percentile(0.99, "reads", "ranges")}, {"reads50", "median", percentile(0.5, "reads", "ranges")}},
	},
	{
		ID: "fsync", Title: "Disk takes (fsync)", Unit: "seconds",
		Help:  "How long it takes until a member's log is on its disk: no write is faster. On a good disk p99 is below 10 ms.",
		Lines: []Line{{"fsync99", "p99", percentile(0.99, "fsync")}, {"fsync50", "median", percentile(0.5, "fsync")}},
	},
	{
		ID: "peers", Title: "Round trips to peers", Unit: "seconds",
		Help:  "How long a word to another member and back takes. The election timeout must be ten times as long.",
		Lines: []Line{{"peers99", "p99", percentile(0.99, "peers")}},
	},
	{
		ID: "requests", Title: "Requests", Unit: "perSecond",
		Help:  "What clients ask of each member.",
		Lines: []Line{{"requests", "requests", rate("requests")}},
	},
	{
		ID: "proposals", Title: "Changes agreed to", Unit: "perSecond",
		Help:  "Proposals that each member knows to be committed.",
		Lines: []Line{{"committed", "committed", rate("committed")}},
	},
	{
		ID: "slow", Title: "Slow requests", Unit: "perSecond",
		Help:  "Requests that took longer to apply than 100 ms, or than warning-apply-duration says.",
		Lines: []Line{{"slow", "slow", rate("slow")}},
	},
	{
		ID: "database", Title: "Database", Unit: "bytes", Limit: "quota",
		Help:  "The file, and fainter what of it is in use. Beyond the quota nothing can be written.",
		Lines: []Line{{"file", "file", gauge("file")}, {"inUse", "in use", gauge("in use")}},
	},
	{
		ID: "watchers", Title: "Watchers", Unit: "count",
		Help:  "Who waits for changes at each member.",
		Lines: []Line{{"watchers", "watchers", gauge("watchers")}},
	},
	{
		ID: "connections", Title: "Connections and files", Unit: "count",
		Help:  "What each member has open: clients, peers and files.",
		Lines: []Line{{"connections", "open", gauge("connections")}},
	},
	{
		ID: "memory", Title: "Memory", Unit: "bytes",
		Help:  "What each member keeps in memory.",
		Lines: []Line{{"memory", "resident", gauge("memory")}},
	},
	{
		ID: "cpu", Title: "Processor", Unit: "cores",
		Help:  "1 is one core.",
		Lines: []Line{{"cpu", "cores", rate("cpu")}},
	},
}

// lines are those of all charts, in order.
var lines = func() (all []Line) {
	for _, c := range Charts {
		all = append(all, c.Lines...)
	}
	return all
}()

func gauge(name string) func(window) float64 {
	return func(w window) float64 {
		if v, ok := w.now.values[name]; ok {
			return v
		}
		return math.NaN()
	}
}

// rate is a counter's growth a second; what began anew counts from zero.
func rate(name string) func(window) float64 {
	return func(w window) float64 {
		was, known := w.before.values[name]
		is, there := w.now.values[name]
		switch {
		case !known || !there || w.seconds <= 0:
			return math.NaN()
		case is < was:
			was = 0
		}
		return (is - was) / w.seconds
	}
}

// percentile is one of the first histogram that there is.
func percentile(q float64, names ...string) func(window) float64 {
	return func(w window) float64 {
		for _, name := range names {
			was, known := w.past.histograms[name]
			if is, there := w.now.histograms[name]; known && there {
				return is.since(was).quantile(q)
			}
		}
		return math.NaN()
	}
}
