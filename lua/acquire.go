package lua

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed acquire.lua
var acquireSource string

var acquire = redis.NewScript(acquireSource)

// AcquireSHA is the digest under which Redis knows the acquire script: what EVALSHA carries and a monitor can count.
func AcquireSHA() string { return acquire.Hash() }

// Limit is one limit as the scripts take it: Tokens per PerUS microseconds, at most Burst at once; a window limit is at
// most Burst in any Burst*PerUS/Tokens microseconds. Burst*PerUS + (horizon + 1)*Tokens is at most 2^50, so that sums of
// deficits stay below what a Lua number counts to.
type Limit struct {
	Field         Field
	Tokens, PerUS int64
	Burst         int64
	Own           bool  // made at run time: its level is a key of its own, which Redis forgets when it is full
	OpensUS       int64 // nothing is due before that moment of the namespace's own time, µs; 0 for open
}

func (l Limit) text() string {
	return strconv.FormatInt(l.Tokens, 10) + " " + strconv.FormatInt(l.PerUS, 10) + " " + strconv.FormatInt(l.Burst, 10)
}

// Ticket is a place in the line of a limit: which deficit counts for its holder, and for how many tokens.
type Ticket struct {
	Rank   int64 // 0 called back, 1 its turn, 2 none
	Tokens int64
}

// Ask is a number of equal wishes: Cost tokens each (1..burst of every limit), due within PatienceUS microseconds; -1
// waits without end. Urgent passes the lines, within half of each rate.
type Ask struct {
	Count            int
	Cost, PatienceUS int64
	Urgent           bool
}

// Back is a reservation that was not used: DueUS is its due time, in the namespace's own time.
type Back struct{ DueUS, Cost int64 }

// AcquireArgs are the arguments of one call of [Path.Acquire].
type AcquireArgs struct {
	Seq       int64    // number of this call of this path, from 1; a resend keeps it
	Epoch     string   // the epoch that the caller knows
	Grants    int64    // the highest count seen in it
	Version   int64    // of the configuration that the path is of
	HorizonUS int64    // how far ahead a reservation may be
	LeadUS    int64    // nothing is due sooner than this from now; 0..HorizonUS
	Tickets   []Ticket // of the caller, one per limit; nil for none
	Backs     []Back   // at most 100
	Asks      []Ask
}

// Kind says what became of an ask.
type Kind int64

// The kinds of a [Grant].
const (
	Reserved Kind = 1 // may start in AtUS
	Refused  Kind = 2 // could have started in AtUS, beyond its patience; nothing was charged
	Waiting  Kind = 3 // stands in line; the first of the run is expected to start in AtUS
)

// Grant is the answer to a run of wishes, which need not be those of one Ask.
type Grant struct {
	Count int
	Kind  Kind
	AtUS  int64 // microseconds from AcquireReply.NowUS
	Bound int   // index of the limit that set AtUS; -1 when none did
}

// AcquireReply is the answer of [Path.Acquire].
type AcquireReply struct {
	Repeated   bool  // the reply of an earlier run of this very call
	NowUS      int64 // the namespace's own time: Redis TIME, but never going back
	Grants     int64 // count of grants in this epoch
	Epoch      string
	ComeBackUS int64    // microseconds from NowUS when those that wait should ask again; -1 if none waits
	Tickets    []Ticket // one per limit, to ask again with
	Answers    []Grant  // for the asks in order
}

var (
	// ErrStale reports that Redis has already answered a newer call of this path. Nothing was done.
	ErrStale = errors.New("lua: a newer call was answered before")
	// ErrUnknown reports that the epoch or the version is not that of Redis' memory. Nothing was done: [Configure] first.
	ErrUnknown = errors.New("lua: the epoch or the version is another")
)

// ArgumentError reports that a script refused an argument. Nothing was done.
type ArgumentError struct{ Number int64 }

func (e *ArgumentError) Error() string {
	return "lua: the script refused argument " + strconv.FormatInt(e.Number, 10)
}

// Path is the limits of one route, narrowest first, the shared one last, and the words that do not change from call to
// call. One call of it may be on its way at a time.
type Path struct {
	limits     int
	argv       []any // of the command, and room for what changes
	head, rest int   // of what changes: numbers and memory, and all behind the limits

	epoch   string // of memory in argv
	version int64
	asks    map[Ask]any // the words of asks
}

// NewPath makes a path. session is unique to a process, restarts included, and holds no colon and no blank; lane is
// unique within it.
func NewPath(keys Keys, session, lane string, limits []Limit) *Path {
	names := []any{keys.State()}
	var words []any
	for _, l := range limits {
		field, text := l.Field.String(), l.text()
		if l.Own {
			field = "own:" + field
			names = append(names, keys.Own(l.Field))
		}
		if l.Field.Window {
			names = append(names, keys.Log(l.Field))
		}
		if l.OpensUS > 0 {
			text += " @" + strconv.FormatInt(l.OpensUS, 10)
		}
		words = append(words, field, text)
	}
	p := &Path{limits: len(limits), asks: map[Ask]any{}}
	p.argv = append([]any{"evalsha", acquire.Hash(), len(names)}, names...)
	p.argv = append(p.argv, lastField(session, lane), spareField(limits))
	p.head = len(p.argv)
	p.argv = append(p.argv, nil, nil)
	p.argv = append(p.argv, words...)
	p.rest = len(p.argv)
	return p
}

// fill puts what is new into the command.
func (p *Path) fill(a *AcquireArgs) []any {
	out := p.argv[:p.rest]
	tickets := 0
	for i, t := range a.Tickets {
		if t.Tokens > 0 {
			tickets++
			out = append(out, join(int64(i+1), t.Rank, t.Tokens))
		}
	}
	out[p.head] = join(a.Seq, a.Grants, a.HorizonUS, a.LeadUS, int64(p.limits), int64(tickets), int64(len(a.Backs)))
	if p.epoch != a.Epoch || p.version != a.Version || out[p.head+1] == nil {
		p.epoch, p.version = a.Epoch, a.Version
		out[p.head+1] = a.Epoch + " " + strconv.FormatInt(a.Version, 10)
	}
	for _, b := range a.Backs {
		out = append(out, join(b.DueUS, b.Cost))
	}
	for _, k := range a.Asks {
		out = append(out, p.ask(k))
	}
	p.argv = out
	return out
}

// join writes numbers with blanks between.
func join(numbers ...int64) string {
	b := make([]byte, 0, 64)
	for i, n := range numbers {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}

// ask is the words of an ask. Those that wait without end or not at all come again and again.
func (p *Path) ask(k Ask) any {
	if word, ok := p.asks[k]; ok {
		return word
	}
	urgent := int64(0)
	if k.Urgent {
		urgent = 1
	}
	var word any = join(int64(k.Count), k.Cost, k.PatienceUS, urgent)
	const enough = 512
	if k.PatienceUS <= 0 && len(p.asks) < enough {
		p.asks[k] = word
	}
	return word
}

// Acquire asks for leave to start calls, in one round trip, and writes the answer to r, whose slices it uses again. A
// repeat of the same Seq gets the first reply and charges nothing.
func (p *Path) Acquire(ctx context.Context, rdb redis.UniversalClient, a *AcquireArgs, r *AcquireReply) error {
	argv := p.fill(a)
	text, err := run(ctx, rdb, argv)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		argv[0], argv[1] = "eval", acquireSource
		text, err = run(ctx, rdb, argv)
		argv[0], argv[1] = "evalsha", acquire.Hash()
	}
	if err != nil {
		return fmt.Errorf("lua: acquire: %w", err)
	}
	return r.parse(text, p.limits)
}

func run(ctx context.Context, rdb redis.UniversalClient, argv []any) (string, error) {
	cmd := redis.NewCmd(ctx, argv...)
	if err := rdb.Process(ctx, cmd); err != nil {
		return "", err
	}
	return cmd.Text()
}

// The statuses that acquire.lua begins its reply with.
const (
	statusDone     = "0"
	statusRepeated = "1"
	statusStale    = "2"
	statusInvalid  = "3"
	statusUnknown  = "4"
)

// parse reads a reply for so many limits.
func (r *AcquireReply) parse(text string, limits int) error {
	status, rest, _ := strings.Cut(text, " ")
	switch status {
	case statusDone, statusRepeated:
	case statusStale:
		return ErrStale
	case statusUnknown:
		return ErrUnknown
	case statusInvalid:
		n, _ := strconv.ParseInt(rest, 10, 64)
		return &ArgumentError{Number: n}
	default:
		return fmt.Errorf("lua: acquire: reply of status %q", status)
	}
	w := words{rest: rest}
	r.Repeated = status == statusRepeated
	r.NowUS, r.Grants = w.next(), w.next()
	if epoch := w.word(); epoch != r.Epoch {
		r.Epoch = strings.Clone(epoch)
	}
	r.ComeBackUS = w.next()
	r.Tickets, r.Answers = r.Tickets[:0], r.Answers[:0]
	for range limits {
		r.Tickets = append(r.Tickets, Ticket{Rank: w.next(), Tokens: w.next()})
	}
	for w.rest != "" && !w.bad {
		r.Answers = append(r.Answers, Grant{Count: int(w.next()), Kind: Kind(w.next()), AtUS: w.next(), Bound: int(w.next()) - 1})
	}
	if w.bad || r.Epoch == "" {
		return fmt.Errorf("lua: acquire: reply %q", text)
	}
	return nil
}

// words reads a text of words, most of them numbers.
type words struct {
	rest string
	bad  bool // a word was missing or no number
}

func (w *words) word() string {
	word, rest, _ := strings.Cut(w.rest, " ")
	w.rest = rest
	w.bad = w.bad || word == ""
	return word
}

func (w *words) next() int64 {
	n, err := strconv.ParseInt(w.word(), 10, 64)
	w.bad = w.bad || err != nil
	return n
}
