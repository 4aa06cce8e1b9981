package cluster

import (
	"slices"
	"strconv"
	"strings"
)

// ClosedChoice is a key of a cluster file that takes one of a few words. Whoever spells
// these (what is read, the flags, their help and completion, the first file of init)
// reads them here.
type ClosedChoice struct {
	Key  string
	What string // it decides
	// Default stands where nobody says a word; empty: the profile has it.
	Default string
	Words   []Word
}

// Word is one that a ClosedChoice takes.
type Word struct {
	Word  string
	Means string // where the word does not say it by itself
}

// choices are all of them. A word that the code goes by is one of a type's constants.
// A key below another is written with a dot.
var choices = []ClosedChoice{
	{"runtime", "what runs the members", string(AnyRuntime), []Word{
		{string(AnyRuntime), "docker if an engine answers, else process"},
		{Word: string(Docker)},
		{Word: string(Process)},
		{Word: string(Swarm)},
	}},
	{"bootstrap", "how members find each other at their first start", string(Static), []Word{
		{Word: string(Static)}, {Word: string(ByDiscovery)}, {Word: string(ByDNS)},
	}},
	{"tls", "how connections are secured", string(Mutual), []Word{ // the strongest first
		{Word: string(Mutual)}, {string(AutoTLS), "encrypted, not authenticated"}, {Word: string(NoTLS)},
	}},
	{"profile", "defaults for a purpose", DefaultProfile, []Word{
		{Word: Production}, {Word: DefaultProfile}, {"ci", "forgets its data"},
	}},
	{"publish", "where clients outside the stack reach it", string(PublishNone), []Word{
		{Word: string(PublishNone)}, {string(PublishLoopback), "ports on " + loopback.String()},
	}},
	{"data", "where data is", "", []Word{
		{Word: string(Volume)}, {string(Memory), "forgotten when the member stops"},
	}},
	{"log-level", "the least level that is logged", "", []Word{
		{Word: "debug"}, {Word: "info"}, {Word: "warn"}, {Word: "error"}, {Word: "panic"}, {Word: "fatal"},
	}},
	{"auto-compaction-mode", "what auto-compaction-retention is", "", []Word{
		{string(periodic), "a time"}, {string(byRevision), "a number of revisions"}, {string(uncompacted), "nothing is compacted"},
	}},
	{"backup.compression", "how the data in an archive is compressed", string(CompressFast), []Word{
		{Word: string(CompressFast)}, {Word: string(CompressNone)},
	}},
}

// ClosedChoices lists all of them.
func ClosedChoices() []ClosedChoice { return slices.Clone(choices) }

// ClosedChoiceOf gives that of a key; the zero ClosedChoice for a key that takes anything.
func ClosedChoiceOf(key string) ClosedChoice {
	for _, c := range choices {
		if c.Key == key {
			return c
		}
	}
	return ClosedChoice{}
}

// Takes lists the words alone.
func (c ClosedChoice) Takes() []string {
	words := make([]string, len(c.Words))
	for i, w := range c.Words {
		words[i] = w.Word
	}
	return words
}

// String tells what is decided, and by which words.
func (c ClosedChoice) String() string {
	words := make([]string, len(c.Words))
	for i, w := range c.Words {
		words[i] = w.Word + remark(w.Means, w.Word == c.Default)
	}
	return c.What + ": " + alternatives(words)
}

// remark is what stands behind a word, with a space before it.
func remark(means string, usual bool) string {
	switch {
	case usual && means != "":
		return " (default: " + means + ")"
	case usual:
		return " (default)"
	case means != "":
		return " (" + means + ")"
	}
	return ""
}

// wordsOf are the words of a key as those of its type.
func wordsOf[T ~string](key string) []T {
	var words []T
	for _, w := range ClosedChoiceOf(key).Takes() {
		words = append(words, T(w))
	}
	return words
}

// choose reads the word of a key, which is its default where there is none, and
// reports what is no word of it.
func choose[T ~string](r *resolver, key, value string) T {
	return chooseElse(r, key, value, T(ClosedChoiceOf(key).Default))
}

// chooseElse is choose for a key whose default is another one here.
func chooseElse[T ~string](r *resolver, key, value string, fallback T) T {
	return oneOf(r, key, T(value), fallback, wordsOf[T](key)...)
}

// yes reads a key that is true or false.
func yes(r *resolver, path, value string, fallback bool) bool {
	usual, other := strconv.FormatBool(fallback), strconv.FormatBool(!fallback)
	return oneOf(r, path, value, usual, usual, other) == "true"
}

// alternatives gives "a, b or c".
func alternatives[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i == 0:
		case i == len(words)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}
