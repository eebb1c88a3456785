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
// Burst*PerUS + Tokens stays below 2^50, so that sums of stamps stay below what a Lua number counts to.
type Limit struct {
	Field         string // of Keys.State, by LimitField
	Tokens, PerUS int64
	Burst         int64
}

// Ask is one wish: Cost tokens (1..burst of every limit), due within PatienceUS microseconds; -1 waits without end.
type Ask struct{ Cost, PatienceUS int64 }

// AcquireArgs are the arguments of [Acquire].
type AcquireArgs struct {
	Seq       int64  // number of this call of this replica on this route, from 1; a resend keeps it
	Epoch     string // the epoch that the caller knows, "" for none
	Grants    int64  // the highest count seen in it
	Fresh     string // name of the epoch to begin if memory was lost
	HorizonUS int64  // debt with which a lost memory begins again
	LeadUS    int64  // nothing is due sooner than this from now
	Limits    []Limit
	Asks      []Ask
}

// Kind says what became of an ask.
type Kind int64

// The kinds of a [Grant].
const (
	Reserved Kind = 1 // may start at AtUS
	Refused  Kind = 2 // could have started at AtUS, beyond its patience; nothing was charged
)

// Grant is the answer to one Ask.
type Grant struct {
	Kind  Kind
	AtUS  int64 // microseconds, Redis clock
	Bound int   // index in Limits of the limit that set AtUS; -1 when none did
}

// AcquireReply is the answer of [Acquire].
type AcquireReply struct {
	Repeated bool  // the reply of an earlier run of this very call
	NowUS    int64 // Redis TIME, microseconds
	Grants   int64 // count of grants in this epoch
	Epoch    string
	Answers  []Grant // one per Ask, in order
}

// ErrStale reports that Redis has already answered a newer call of this replica on this route. Nothing was done.
var ErrStale = errors.New("lua: a newer call was answered before")

// ArgumentError reports that the script refused an argument. Nothing was done.
type ArgumentError struct{ Number int64 }

func (e *ArgumentError) Error() string {
	return "lua: acquire refused argument " + strconv.FormatInt(e.Number, 10)
}

// Acquire asks for leave to start calls on one route, in one round trip. A repeat of the same Seq returns the first
// reply and charges nothing. At most one call per replica and route may be on its way at a time.
func Acquire(ctx context.Context, rdb redis.Scripter, keys Keys, replica, route string, a AcquireArgs) (AcquireReply, error) {
	argv := make([]any, 0, 7+4*len(a.Limits)+2*len(a.Asks))
	epoch := a.Epoch
	if epoch == "" {
		epoch = "-"
	}
	argv = append(argv, a.Seq, epoch, a.Grants, a.Fresh, a.HorizonUS, a.LeadUS, len(a.Limits))
	for _, l := range a.Limits {
		argv = append(argv, l.Field, l.Tokens, l.PerUS, l.Burst)
	}
	for _, k := range a.Asks {
		argv = append(argv, k.Cost, k.PatienceUS)
	}
	raw, err := acquire.Run(ctx, rdb, []string{keys.State(), keys.Last(replica, route)}, argv...).Slice()
	if err != nil {
		return AcquireReply{}, fmt.Errorf("lua: acquire: %w", err)
	}
	return acquireReply(raw, len(a.Asks))
}

// The statuses that acquire.lua begins its reply with.
const (
	statusDone = iota
	statusRepeated
	statusStale
	statusInvalid
)

func acquireReply(raw []any, asks int) (AcquireReply, error) {
	const head = 4
	n := make([]int64, len(raw))
	for i, v := range raw {
		if x, ok := v.(int64); ok {
			n[i] = x
		} else if i != head-1 {
			return AcquireReply{}, fmt.Errorf("lua: acquire: reply %d is %T", i, v)
		}
	}
	if len(raw) < head {
		return AcquireReply{}, fmt.Errorf("lua: acquire: reply of %d values", len(raw))
	}
	switch n[0] {
	case statusStale:
		return AcquireReply{}, ErrStale
	case statusInvalid:
		return AcquireReply{}, &ArgumentError{Number: n[1]}
	}
	epoch, ok := raw[head-1].(string)
	if !ok || len(raw) != head+3*asks || n[0] < statusDone || n[0] > statusRepeated {
		return AcquireReply{}, fmt.Errorf("lua: acquire: reply of %d values for %d asks", len(raw), asks)
	}
	r := AcquireReply{Repeated: n[0] == statusRepeated, NowUS: n[1], Grants: n[2], Epoch: epoch, Answers: make([]Grant, asks)}
	for i := range r.Answers {
		at := head + 3*i
		r.Answers[i] = Grant{Kind: Kind(n[at]), AtUS: n[at+1], Bound: int(n[at+2]) - 1}
	}
	return r, nil
}
