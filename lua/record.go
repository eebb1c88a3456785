package lua

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Record is the stored state of one limit. Times are µs of the namespace's own time.
type Record struct {
	Found bool // if false, nothing is stored: the limit is as a new one
	Limit Limit

	FullUS, Frac, LastUS         int64 // when the bucket is full, and units of 1/Tokens µs more; the due time of the latest reservation
	Urgent, Claimed, Whole       int64
	Young, Total, Base, Edge     int64
	Sought, Spared, Owes, Ending int64  // Ending: until when Redis collects what replicas remember of a lost limit
	Learnt, Eras                 string // "-" if nothing

	Line   []Entry // lanes in line, oldest first; at most [maxLine]
	Starts []Start // of a window, oldest first
}

// Entry is a lane in line.
type Entry struct {
	Lane               string // with its session
	Key                int64
	Tokens, Cost, Rest int64
}

// Start is the number of the last start of a window at a due time.
type Start struct{ DueUS, Number int64 }

// maxLine bounds the entries of a line that are read.
const maxLine = 1000

// Reading is a namespace at one moment, for readers.
type Reading struct {
	State

	At      time.Time         // of Redis' clock
	OwnUS   int64             // the namespace's own time at that moment
	BornUS  int64             // when the epoch began
	Lost    bool              // the epoch replaces a lost one
	Records []Record          // of the limits, in their order
	Names   map[string]string // of replicas, by session
}

// Read reads the stored state of some limits in one pipeline: a TIME, two HGETALL, a ZRANGE, and for each limit a
// ZRANGE of its line, one of the log of a window, and a GET of a level made at run time.
func Read(ctx context.Context, rdb redis.UniversalClient, keys Keys, limits []Limit) (*Reading, error) {
	var now *redis.TimeCmd
	var fields, wishes *redis.MapStringStringCmd
	var live *redis.StringSliceCmd
	own, lines, logs := make([]*redis.StringCmd, len(limits)), make([]*redis.StringSliceCmd, len(limits)), make([]*redis.ZSliceCmd, len(limits))
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		now, fields, wishes, live = p.Time(ctx), p.HGetAll(ctx, keys.State()), p.HGetAll(ctx, keys.Wishes()), p.ZRange(ctx, keys.Live(), 0, -1)
		for i, l := range limits {
			lines[i] = p.ZRange(ctx, keys.Line(l.Field), 0, maxLine-1)
			if l.Own {
				own[i] = getOwn(ctx, p, keys, l)
			}
			if l.Field.Window {
				logs[i] = p.ZRangeWithScores(ctx, keys.Log(l.Field), -l.Burst, -1)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, fmt.Errorf("lua: read: %w", err)
	}
	r := &Reading{State: ParseState(fields.Val(), wishes.Val(), now.Val()), At: now.Val(), Names: map[string]string{}}
	r.OwnUS, r.BornUS = r.OwnAt(r.At).UnixMicro(), r.Born.UnixMicro()
	r.Lost = r.Epoch != "" && !strings.HasSuffix(fields.Val()["epoch"], " ")
	for _, name := range live.Val() {
		session, replica, _ := strings.Cut(name, " ")
		r.Names[session] = replica
	}
	for i, l := range limits {
		text := fields.Val()[l.Field.String()]
		if l.Own {
			text = own[i].Val()
		}
		rec := parseRecord(text)
		rec.Limit.Field = l.Field
		for _, member := range lines[i].Val() {
			w := words{rest: member}
			version, key, lane, tokens, cost, rest := w.next(), w.next(), w.word(), w.next(), w.next(), w.next()
			if !w.bad && version == Version {
				rec.Line = append(rec.Line, Entry{lane, key, tokens, cost, rest})
			}
		}
		if logs[i] != nil {
			for _, z := range logs[i].Val() {
				member, _ := z.Member.(string)
				if due, err := strconv.ParseInt(member, 10, 64); err == nil {
					rec.Starts = append(rec.Starts, Start{due, int64(z.Score)})
				}
			}
		}
		r.Records = append(r.Records, rec)
	}
	return r, nil
}

func parseRecord(text string) Record {
	w := words{rest: text}
	version := w.next()
	r := Record{Limit: Limit{Tokens: w.next(), PerUS: w.next(), Burst: w.next()}, FullUS: w.next(), Frac: w.next(), LastUS: w.next(), Learnt: "-", Eras: "-"}
	if w.bad || version != Version || r.Limit.Tokens < 1 || r.Limit.PerUS < 1 || r.Limit.Burst < 1 || r.Frac >= r.Limit.Tokens {
		return Record{Learnt: "-", Eras: "-"}
	}
	r.Found = true
	if w.rest != "" {
		r.Urgent, r.Claimed, r.Whole, r.Young = w.next(), w.next(), w.next(), w.next()
		r.Total, r.Base, r.Edge, r.Sought, r.Spared = w.next(), w.next(), w.next(), w.next(), w.next()
		r.Learnt, r.Owes, r.Eras, r.Ending = w.word(), w.next(), w.word(), w.next()
	}
	return r
}
