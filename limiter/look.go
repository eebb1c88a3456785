package limiter

import (
	"context"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/lua"
)

// enter updates a bucket to the current time and to what is in force.
func (v *view) enter(k *bucket.Bucket, b bound) {
	k.Enter(v.now, b.core(), b.opens.at)
	if b.opens.gently() {
		k.OpenGently()
	}
	v.buckets, v.limits = append(v.buckets, k), append(v.limits, b)
}

func (m *memory) look(_ context.Context, limits []bound) (*view, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := &view{now: m.now(), ending: make([]int64, len(limits))}
	for _, b := range limits {
		v.buckets, v.limits = append(v.buckets, m.seenLocked(b, v.now)), append(v.limits, b)
	}
	return v, nil
}

func (s *redisStore) look(ctx context.Context, limits []bound) (*view, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	args := make([]lua.Limit, len(limits))
	for i, b := range limits {
		args[i] = b.args()
	}
	r, err := lua.Read(ctx, s.rdb, s.keys, args)
	if err != nil {
		return nil, s.refuses.failed(ctx, err, s.served.Load())
	}
	if err := r.Check(); err != nil {
		return nil, s.failure(ctx, err, true)
	}
	v := viewOf(r, limits, s.horizon)
	v.session = s.session + ":"
	return v, nil
}

// viewOf returns the buckets of limits in a reading.
func viewOf(r *lua.Reading, limits []bound, horizon int64) *view {
	v := &view{now: r.OwnUS, names: r.Names, ending: make([]int64, len(limits))}
	began := -horizon // what the namespace did not lose begins as configured
	if r.Lost {
		began = r.BornUS
		v.forgot = began + horizon
	}
	for i, b := range limits {
		rec := r.Records[i]
		b.opens = opening{}
		for _, o := range r.Opens() {
			if o.Bucket == b.bucket {
				b.opens = opening{o.US, o.By}
			}
		}
		v.ending[i] = rec.Ending
		k := bucket.New(b.core())
		switch lost := bucket.Lost(b.core(), began, horizon); {
		case rec.Found:
			k = restored(rec, b, v.now, lost.State())
		case b.own && b.limit.Begin == Empty:
			k = bucket.Lost(b.core(), max(v.now, began+horizon), 0)
		case b.own:
			k = lost
		}
		v.enter(k, b)
	}
	return v
}

// restored returns the bucket of a record. The record of a bucket made at run time may be older than the epoch. Such a
// bucket has no more than a bucket that was lost with the epoch before.
func restored(r lua.Record, b bound, now int64, lost bucket.State) *bucket.Bucket {
	if b.own {
		r.Edge = max(r.Edge, lost.Edge)
		if full := lost.Full; full.At > r.FullUS || full.At == r.FullUS && full.Frac > r.Frac {
			r.FullUS, r.Frac = full.At, full.Frac
		}
	}
	var line []bucket.Place
	for _, e := range r.Line {
		line = append(line, bucket.Place(e))
	}
	var starts []bucket.Start
	for _, s := range r.Starts {
		starts = append(starts, bucket.Start{Due: s.DueUS, Serial: s.Number})
	}
	return bucket.Restore(bucket.State{
		Limit: bucket.Limit{Tokens: r.Limit.Tokens, Per: r.Limit.PerUS, Burst: r.Limit.Burst, Window: b.limit.Window, Start: b.start},
		Full:  bucket.Moment{At: r.FullUS, Frac: r.Frac}, Last: r.LastUS, Urgent: r.Urgent, Young: r.Young, Sought: r.Sought,
		Total: r.Total, Base: r.Base, Edge: r.Edge, Learnt: r.Learnt,
	}, line, starts, now)
}
