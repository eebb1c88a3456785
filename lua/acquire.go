package lua

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

var plain, full = compose(plainFragments...), compose(fullFragments...)

// AcquireSHAs returns the digests under which Redis knows the acquire scripts, plain and full. EVALSHA sends them, and
// a monitor can count them.
func AcquireSHAs() []string { return []string{plain.hash, full.hash} }

// Limit is one limit in the form of the scripts: Tokens per PerUS microseconds, at most Burst at once. A window limit
// is at most Burst in any Burst*PerUS/Tokens microseconds. Burst*PerUS + (horizon + 1)*Tokens is at most 2^50, so that
// sums of deficits stay exact in a Lua number.
type Limit struct {
	Field         Field
	Tokens, PerUS int64
	Burst         int64
	Own           bool  // made at run time: its level is a key of its own, which Redis forgets when it is full
	Empty         bool  // it begins empty if nobody has used it; otherwise full
	OpensUS       int64 // nothing is due before that moment of the namespace's own time, µs; 0 for open
	StartPPM      int64 // for an unknown limit: the part of the rate with which it begins, ppm; otherwise 0
	Gently        bool  // its provider asked for that: when it opens, calls start one a second, then twice as many each second
}

func (l Limit) text() string { return join(l.Tokens, l.PerUS, l.Burst) }

// slowUS is how long a limit that is not slow takes from empty to full, at most.
const slowUS = 12_000_000

// Slow reports whether a limit takes more than 12 s from empty to full, which is longer than replicas take to report
// what they remember.
func (l Limit) Slow() bool { return float64(l.Burst)*float64(l.PerUS) > slowUS*float64(l.Tokens) }

// Ask is a run of equal waiting calls. Costs are the tokens that each call takes, 1..burst: one number for all limits,
// or one for each. A call is due within PatienceUS microseconds; -1 waits without end. AgeUS is how long the oldest of
// the run has waited. Urgent passes the lines, within half of each rate.
type Ask struct {
	Count             int
	Costs             []int64
	PatienceUS, AgeUS int64
	Urgent            bool
}

// Back is an unused reservation. DueUS is its due time, in the namespace's own time.
type Back struct {
	DueUS int64
	Costs []int64
}

// Settled is a call with known costs. Each field has one number for each limit: Since, the estimated cost and the real
// cost. Since, in the namespace's own time, µs, is when the call was reserved, or earlier. If the provider holds the
// estimate until the call ends, Since is a horizon before that end.
type Settled struct{ Since, Estimated, Actual []int64 }

// Lesson is a kind of information about a provider that a call brings.
type Lesson byte

// The lessons.
const (
	QuotaSpent Lesson = 'c' // the provider refused the call because of its quota
	Overload   Lesson = 'o' // the provider could serve nobody
	QuotaLeft  Lesson = 'h' // the provider's answer contains what remains of the quota
)

// Taught is what a call has learnt about its provider. DueUS is when the call was due, or, for QuotaLeft, when its
// answer arrived.
type Taught struct {
	Lesson                Lesson
	Limit                 int // index of the limit that learns
	DueUS                 int64
	Cost                  int64 // what the call took of the limit; 0 for 1
	Quota, Left, PeriodUS int64 // of QuotaLeft: Left of Quota tokens, 1 or more, for a period; 0 if unknown
	SentUS                int64 // of QuotaLeft: when the call was due; 0 if unknown
	Stand                 int64 // of QuotaLeft: where the limit stood by the reply with the reservation of the call, [AcquireReply.Levels] from NowUS; of a window, the number itself
}

// AcquireArgs are the arguments of one call of [Path.Acquire].
type AcquireArgs struct {
	Seq       int64     // number of this call of this path, from 1; a repeat keeps it
	Epoch     string    // the epoch that the caller knows
	Grants    int64     // the highest count of grants that the caller saw in the epoch
	Version   int64     // of the path's configuration
	HorizonUS int64     // how far ahead a reservation may be
	LeadUS    int64     // nothing is due sooner than this from now; 0..HorizonUS
	Backs     []Back    // at most 100
	Settled   []Settled // at most 100
	HoldUS    int64     // how long the provider shuts the bucket of a limit, at most 30 s; 0 for none
	HoldLimit int       // index of that limit
	Taught    []Taught  // at most 50
	Asks      []Ask     // oldest first
	Left      bool      // the reply is to contain the tokens left, and not the levels
	Levels    bool      // the reply is to contain the levels, also if no limit is slow
}

// ErrUnknown reports that Redis' memory has another epoch or version. Nothing was charged: call [Configure] first.
var ErrUnknown = errors.New("lua: the epoch or the version is another")

// StaleError reports that Redis has already answered a newer call of this path, number Answered. Nothing was done.
type StaleError struct{ Answered int64 }

func (e *StaleError) Error() string {
	return "lua: call " + strconv.FormatInt(e.Answered, 10) + " was answered before, which is newer"
}

// ArgumentError reports that a script refused an argument. Nothing was done.
type ArgumentError struct{ Number int64 }

func (e *ArgumentError) Error() string {
	return "lua: the script refused argument " + strconv.FormatInt(e.Number, 10)
}

// VersionError reports that the records in Redis have another version than this process writes, written by newer
// scripts. Nothing was done.
type VersionError struct{ Stored, Known int64 }

func (e *VersionError) Error() string {
	what := "this process is the older one: replace it by the newer version"
	if e.Stored < e.Known {
		what = "look at the namespace with the program of that version, or upgrade the fleet"
	}
	return fmt.Sprintf("lua: the namespace has records of version %d, this process knows version %d: %s (docs/upgrade.md)", e.Stored, e.Known, what)
}

// Version is the version of the records in Redis.
const Version = 4

// Path is the limits of one route, narrowest first, the shared one last, and the words that are the same in every call.
// It allows one call in flight at a time.
type Path struct {
	limits int
	simple bool  // the plain script may serve it
	levels int64 // 1 if a limit is slow, so that the reply contains the levels
	busy   bool  // by the last reply, the next call needs the full script

	keys        Keys
	session     string
	of          []Limit
	plain, full command
	epoch       string // for which the commands contain memory
	version     int64
	memory      any
	asks        map[word]any // the words of asks
}

// command is a command of a script with space for what changes.
type command struct {
	argv       []any
	head, rest int // positions of what changes: numbers and memory, and all behind the limits
}

// word is a kind of ask that is frequent.
type word struct {
	count          int
	cost, patience int64
	urgent         bool
}

// NewPath returns a path. session is unique to a process, restarts included, and contains no colon. lane is unique
// within session. Neither contains a blank.
func NewPath(keys Keys, session, lane string, limits []Limit) *Path {
	p := &Path{keys: keys, session: session, of: limits, limits: len(limits), simple: true, asks: map[word]any{}}
	state := []any{keys.State(), keys.Replies(session)}
	places := []any{keys.State(), keys.Replies(session), keys.Spares(limits)}
	words := []any{laneName(session, lane), nil, nil}
	for _, l := range limits {
		field, text := l.Field.String(), strconv.Itoa(Version)+" "+l.text()+" "
		if l.Own {
			field = "own:" + field
		}
		places = append(places, keys.Own(l.Field), keys.Log(l.Field), keys.Line(l.Field))
		if l.Own && l.Empty {
			text += "-"
		}
		if l.StartPPM > 0 {
			text += "+" + strconv.FormatInt(l.StartPPM, 10)
		}
		if l.OpensUS > 0 {
			how := "@"
			if l.Gently {
				how = "~"
			}
			text += how + strconv.FormatInt(l.OpensUS, 10)
		}
		words = append(words, field, text)
		p.simple = p.simple && !l.Own && !l.Field.Window && l.OpensUS == 0 && l.StartPPM == 0
		if l.Slow() {
			p.levels = 1
		}
	}
	p.plain, p.full = newCommand(state, words), newCommand(places, words)
	return p
}

// types returns the types of the keys that the scripts use.
func (p *Path) types() map[string]string {
	types := map[string]string{p.keys.State(): "hash", p.keys.Replies(p.session): "hash", p.keys.Spares(p.of): "string"}
	for _, l := range p.of {
		types[p.keys.Own(l.Field)], types[p.keys.Log(l.Field)], types[p.keys.Line(l.Field)] = "string", "zset", "zset"
	}
	return types
}

func newCommand(keys, words []any) command {
	argv := append([]any{nil, nil, len(keys)}, keys...)
	head := len(argv) + 1
	argv = append(argv, words...)
	return command{argv, head, len(argv)}
}

// reports returns how many reports on former reservations there are.
func (a *AcquireArgs) reports() int {
	n := len(a.Backs) + len(a.Settled) + len(a.Taught)
	if a.HoldUS > 0 {
		n++
	}
	return n
}

// urgent reports whether any ask is urgent.
func (a *AcquireArgs) urgent() bool {
	for i := range a.Asks {
		if a.Asks[i].Urgent {
			return true
		}
	}
	return false
}

// Acquire asks for permission to start calls, in one round trip (two if another lane joined the line since the last
// call). It writes the answer to r and reuses the slices of r. A repeat of the same Seq gets the first reply and
// charges nothing. Acquire removes keys of another type than the scripts write, and treats them as lost.
func (p *Path) Acquire(ctx context.Context, rdb redis.UniversalClient, a *AcquireArgs, r *AcquireReply) error {
	r.Runs = 0
	if p.simple && !p.busy && a.reports() == 0 && !a.urgent() {
		r.Runs++
		text, err := plain.run(ctx, rdb, p.fill(&p.plain, a))
		if err != nil {
			return p.failed(ctx, rdb, err)
		}
		if text != statusFull {
			return p.parse(r, a, text)
		}
		p.busy = true // also if the reply to the other script is lost
	}
	r.Runs++
	text, err := full.run(ctx, rdb, p.fill(&p.full, a))
	if err != nil {
		return p.failed(ctx, rdb, err)
	}
	return p.parse(r, a, text)
}

// Follow makes the path continue the state of the path that it replaces: if others are in line, one script is enough.
func (p *Path) Follow(former *Path) { p.busy = former.busy }

func (p *Path) failed(ctx context.Context, rdb redis.UniversalClient, err error) error {
	if isWrongType(err) {
		if err := removeWrongTypes(ctx, rdb, p.types()); err != nil {
			return fmt.Errorf("lua: acquire: %w", err)
		}
		return ErrUnknown
	}
	return fmt.Errorf("lua: acquire: %w", err)
}
