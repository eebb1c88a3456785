package lua

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Level is the record of one limit in the state hash, for readers.
type Level struct {
	Limit

	FullAt  time.Time // when the bucket is full, on the namespace's own time
	Waiting int64     // tokens that lanes wait for at this limit
	Learnt  string    // from the provider's answers, in the form of the script; "" if nothing
}

// TokensAt returns the tokens in the bucket at a moment of the namespace's own time; negative while it is in debt.
func (l Level) TokensAt(at time.Time) float64 {
	missing := l.FullAt.Sub(at)
	if missing <= 0 {
		return float64(l.Burst)
	}
	return float64(l.Burst) - l.tokens(missing)
}

func (l Level) tokens(d time.Duration) float64 {
	return d.Seconds() * 1e6 * float64(l.Tokens) / float64(l.PerUS)
}

// Wish is the limits that some replicas were configured with.
type Wish struct {
	Replicas []string      // some of them, the latest to announce it
	Age      time.Duration // since the last announcement
	Limits   []Limit
}

// State is a reading of a namespace.
type State struct {
	Records int64 // version of the records, 0 for none; if it is not [Version] nothing else is read
	Epoch   string
	Born    time.Time // Redis clock, beginning of the epoch
	Grants  int64
	Now     time.Time     // the namespace's own time, that of Born and of Levels, at the last script
	Shift   time.Duration // by which own time is ahead of Redis' clock, unless it stands still at Now
	Version int64
	Told    string  // limits, pauses and modes set for the fleet
	Levels  []Level // in no order; fields that do not parse are left out
	Wishes  []Wish  // in no order
	AgedUS  int64   // the clock by which wishes age, and by which [Keys.Live] is sorted
}

// OwnAt returns the namespace's own time at a moment of Redis' clock after the last script.
func (s State) OwnAt(at time.Time) time.Time {
	if own := at.Add(s.Shift); own.After(s.Now) {
		return own
	}
	return s.Now
}

// Opens returns the buckets that are closed for the fleet, with moments of the namespace's own time.
func (s State) Opens() []Opens {
	return parseSettings(s.Told).opens
}

// Set returns the buckets whose limits were set for the fleet.
func (s State) Set() []string {
	return parseSettings(s.Told).set
}

// Shadowed returns the buckets in shadow mode, which delay nobody.
func (s State) Shadowed() []string { return parseSettings(s.Told).shadowed }

// ParseState reads [Keys.State] and [Keys.Wishes] as HGETALL returns them at a time of Redis' clock. Empty maps are a
// namespace that nobody uses yet.
func ParseState(fields, wishes map[string]string, at time.Time) State {
	s := State{Records: versionOf(fields["epoch"])}
	if s.Check() != nil {
		return s
	}
	s.Told = fields["told"]
	w := words{rest: fields["epoch"]}
	if records, id, version, began := w.next(), w.word(), w.next(), w.next(); !w.bad && records == Version {
		s.Epoch, s.Version, s.Born = id, version, time.UnixMicro(began)
	}
	w = words{rest: fields["time"]}
	records, grants, now, shift, still, _ := w.next(), w.next(), w.next(), w.next(), w.next(), w.next()
	if !w.bad && records == Version {
		s.Grants, s.Now, s.Shift = grants, time.UnixMicro(now), time.Duration(shift-still)*time.Microsecond
	}
	for field, value := range fields {
		if f, ok := ParseField(field); ok {
			if l, ok := parseLevel(value); ok {
				l.Field = f
				s.Levels = append(s.Levels, l)
			}
		}
	}
	s.Levels = slices.DeleteFunc(s.Levels, replaced(fields["force"]))
	w = words{rest: wishes["clock"]}
	records, own, aged := w.next(), w.next(), w.next()
	if w.bad || records != Version {
		return s
	}
	s.AgedUS = aged + max(0, s.OwnAt(at).UnixMicro()-own)
	for of, text := range wishes {
		if of == "clock" {
			continue
		}
		first, limits, _ := strings.Cut(text, "\n")
		w := words{rest: first}
		records, seen := w.next(), w.next()
		if w.bad || records != Version {
			continue
		}
		wanted := Wish{Age: time.Duration(s.AgedUS-seen) * time.Microsecond, Limits: parseLimits(limits)}
		for name := range strings.FieldsSeq(w.rest) {
			if _, who, ok := strings.Cut(name, ":"); ok {
				wanted.Replicas = append(wanted.Replicas, who)
			}
		}
		s.Wishes = append(s.Wishes, wanted)
	}
	return s
}

// versionOf returns the version of the records of an epoch. It is 1 for an epoch from before versions, which has seven
// words, and 0 if no script has written the epoch.
func versionOf(epoch string) int64 {
	words := strings.Fields(epoch)
	if len(words) == 0 {
		return 0
	}
	if n, err := strconv.ParseInt(words[0], 10, 64); err == nil && n > 0 {
		return n
	}
	if len(words) == 6 || len(words) == 7 { // the last one may be empty
		return 1
	}
	return 0
}

// Check returns a [VersionError] if the records have another version.
func (s State) Check() error {
	if s.Records != 0 && s.Records != Version {
		return &VersionError{Stored: s.Records, Known: Version}
	}
	return nil
}

// replaced returns a function that reports whether other limits of a level's bucket are in force. Such a level is kept
// until it is full.
func replaced(force string) func(Level) bool {
	fields, buckets := map[Field]bool{}, map[string]bool{}
	_, lines, _ := strings.Cut(force, "\n")
	for _, l := range parseLimits(lines) {
		fields[l.Field], buckets[l.Field.Bucket] = true, true
	}
	return func(l Level) bool { return buckets[l.Field.Bucket] && !fields[l.Field] }
}

// parseLevel reads the record of a limit.
func parseLevel(text string) (Level, bool) {
	w := words{rest: text}
	records := w.next()
	l := Level{Limit: Limit{Tokens: w.next(), PerUS: w.next(), Burst: w.next()}, FullAt: time.UnixMicro(w.next())}
	_, _ = w.next(), w.next()
	if w.bad || records != Version || l.Tokens <= 0 || l.PerUS <= 0 || l.Burst <= 0 {
		return Level{}, false
	}
	if w.rest != "" {
		words := strings.Fields(w.rest)
		_, _, l.Waiting = w.next(), w.next(), w.next()
		if len(words) == 13 && words[9] != "-" {
			l.Learnt = words[9]
		}
	}
	return l, !w.bad
}

// parseLimits reads lines of "field tokens per_us burst"; those that do not parse are left out.
func parseLimits(text string) []Limit {
	var out []Limit
	for line := range strings.Lines(text) {
		w := words{rest: strings.TrimSpace(line)}
		if l, ok := parseLimit(&w); ok && !w.bad {
			out = append(out, l)
		}
	}
	return out
}

// parseLimit reads "field tokens per_us burst", and reports whether it is a valid limit.
func parseLimit(w *words) (Limit, bool) {
	f, ok := ParseField(w.word())
	l := Limit{Field: f, Tokens: w.next(), PerUS: w.next(), Burst: w.next()}
	return l, ok && l.Tokens > 0 && l.PerUS > 0 && l.Burst > 0 &&
		float64(l.Burst)*float64(l.PerUS)+float64(l.Tokens) <= widest
}

// widest bounds what is multiplied: 2^50.
const widest = 1 << 50
