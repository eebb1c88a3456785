package lua

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
)

//go:embed acquire.lua
var acquireSource string

var acquire = redis.NewScript(acquireSource)

// AcquireSHA is the digest under which Redis knows the acquire script: what EVALSHA carries and a monitor can count.
func AcquireSHA() string { return acquire.Hash() }

// Limit is one token bucket as the script takes it: Tokens per PerUS microseconds, at most Burst at once.
// Burst*PerUS + (horizon + 1)*Tokens is at most 2^50, so that sums of deficits stay below what a Lua number counts to.
type Limit struct {
	Field         string // of Keys.State, by LimitField
	Tokens, PerUS int64
	Burst         int64
	Ticket        Ticket // of the caller; its place in the line of this limit
}

// Ticket is a place in the line of a limit: which deficit counts for its holder, and for how many tokens.
type Ticket struct {
	Rank   int64 // 0 called back, 1 its turn, 2 none
	Tokens int64
}

// Ask is one wish: Cost tokens (1..burst of every limit), due within PatienceUS microseconds; -1 waits without end.
// Urgent passes the lines, within half of each rate.
type Ask struct {
	Cost, PatienceUS int64
	Urgent           bool
}

// AcquireArgs are the arguments of [Acquire].
type AcquireArgs struct {
	Seq       int64  // number of this call of this replica on this route, from 1; a resend keeps it
	Epoch     string // the epoch that the caller knows, "" for none
	Grants    int64  // the highest count seen in it
	Fresh     string // name of the epoch to begin if memory was lost
	HorizonUS int64  // how far ahead a reservation may be; debt with which a lost memory begins again
	LeadUS    int64  // nothing is due sooner than this from now; 0..HorizonUS
	Limits    []Limit
	Asks      []Ask
}

// Kind says what became of an ask.
type Kind int64

// The kinds of a [Grant].
const (
	Reserved Kind = 1 // may start in AtUS
	Refused  Kind = 2 // could have started in AtUS, beyond its patience; nothing was charged
	Waiting  Kind = 3 // stands in line; expected to start in AtUS
)

// Grant is the answer to one Ask.
type Grant struct {
	Kind  Kind
	AtUS  int64 // microseconds from AcquireReply.NowUS
	Bound int   // index in Limits of the limit that set AtUS; -1 when none did
}

// AcquireReply is the answer of [Acquire].
type AcquireReply struct {
	Repeated   bool  // the reply of an earlier run of this very call
	NowUS      int64 // Redis TIME, microseconds
	Grants     int64 // count of grants in this epoch
	Epoch      string
	ComeBackUS int64    // microseconds from NowUS when those that wait should ask again; -1 if none waits
	Tickets    []Ticket // one per Limit, to ask again with
	Answers    []Grant  // one per Ask, in order
}

// ErrStale reports that Redis has already answered a newer call of this replica on this route. Nothing was done.
var ErrStale = errors.New("lua: a newer call was answered before")

// ArgumentError reports that the script refused an argument. Nothing was done.
type ArgumentError struct{ Number int64 }

func (e *ArgumentError) Error() string {
	return "lua: acquire refused argument " + strconv.FormatInt(e.Number, 10)
}

// Acquire asks for leave to start calls on one route, in one round trip. A repeat of the same Seq returns the first
// reply and charges nothing. At most one call per caller and route may be on its way at a time. caller is unique to a
// process, restarts included, and holds no colon.
func Acquire(ctx context.Context, rdb redis.Scripter, keys Keys, caller, route string, a AcquireArgs) (AcquireReply, error) {
	argv := make([]any, 0, 7+6*len(a.Limits)+3*len(a.Asks))
	epoch := a.Epoch
	if epoch == "" {
		epoch = "-"
	}
	argv = append(argv, a.Seq, epoch, a.Grants, a.Fresh, a.HorizonUS, a.LeadUS, len(a.Limits))
	for _, l := range a.Limits {
		argv = append(argv, l.Field, l.Tokens, l.PerUS, l.Burst, l.Ticket.Rank, l.Ticket.Tokens)
	}
	for _, k := range a.Asks {
		urgent := 0
		if k.Urgent {
			urgent = 1
		}
		argv = append(argv, k.Cost, k.PatienceUS, urgent)
	}
	raw, err := acquire.Run(ctx, rdb, []string{keys.State(), keys.Last(caller, route)}, argv...).Slice()
	if err != nil {
		return AcquireReply{}, fmt.Errorf("lua: acquire: %w", err)
	}
	return acquireReply(raw, len(a.Limits), len(a.Asks))
}

// The statuses that acquire.lua begins its reply with.
const (
	statusDone = iota
	statusRepeated
	statusStale
	statusInvalid
)

func acquireReply(raw []any, limits, asks int) (AcquireReply, error) {
	const head, epochAt = 5, 3
	n := make([]int64, len(raw))
	for i, v := range raw {
		if x, ok := v.(int64); ok {
			n[i] = x
		} else if i != epochAt {
			return AcquireReply{}, fmt.Errorf("lua: acquire: reply %d is %T", i, v)
		}
	}
	if len(raw) <= epochAt {
		return AcquireReply{}, fmt.Errorf("lua: acquire: reply of %d values", len(raw))
	}
	switch n[0] {
	case statusStale:
		return AcquireReply{}, ErrStale
	case statusInvalid:
		return AcquireReply{}, &ArgumentError{Number: n[1]}
	}
	epoch, ok := raw[epochAt].(string)
	if !ok || len(raw) != head+2*limits+3*asks || n[0] < statusDone || n[0] > statusRepeated {
		return AcquireReply{}, fmt.Errorf("lua: acquire: reply of %d values for %d limits and %d asks", len(raw), limits, asks)
	}
	r := AcquireReply{
		Repeated: n[0] == statusRepeated, NowUS: n[1], Grants: n[2], Epoch: epoch, ComeBackUS: n[4],
		Tickets: make([]Ticket, limits), Answers: make([]Grant, asks),
	}
	for i := range r.Tickets {
		r.Tickets[i] = Ticket{Rank: n[head+2*i], Tokens: n[head+2*i+1]}
	}
	for i := range r.Answers {
		at := head + 2*limits + 3*i
		r.Answers[i] = Grant{Kind: Kind(n[at]), AtUS: n[at+1], Bound: int(n[at+2]) - 1}
	}
	return r, nil
}
