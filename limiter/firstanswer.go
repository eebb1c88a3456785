package limiter

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// probeEvery is about how often a replica asks whether Redis is back.
	probeEvery = 500 * time.Millisecond
	// refusedEvery is how often a replica asks a Redis that refuses its requests. Each time it opens a connection.
	refusedEvery = 1500 * time.Millisecond
	// mostAsked bounds how many goroutines wait for an answer at the same time.
	mostAsked = 4
)

// firstAnswer asks Redis for what is in force until an answer arrives. An earlier request may still be answered: Redis
// may be slow, or the connection may be dead, and nobody can tell these apart. firstAnswer returns how long the answer
// took, and whether there is one. There is none after the end of the limiter.
func (l *Limiter) firstAnswer(away *alone, first bool) (conf configuration, took time.Duration, ok bool) {
	ctx, cancel := context.WithCancel(l.life)
	defer cancel()
	type answer struct {
		conf configuration
		took time.Duration
		err  error
	}
	answers, under := make(chan answer, mostAsked), 0
	pause := jittered(probeEvery)
	if first {
		pause = rand.N(probeEvery / 10)
	}
	next := time.NewTimer(pause)
	defer next.Stop()
	for {
		select {
		case <-next.C:
			next.Reset(jittered(probeEvery))
			if under == mostAsked {
				continue
			}
			under++
			l.redis.topology.reload(l.life) // a master may have been replaced in the meantime
			sent := time.Now()
			l.flights.Go(func() {
				conf, err := l.redis.ask(ctx)
				answers <- answer{conf, time.Since(sent), err}
			})
		case a := <-answers:
			under--
			if a.err == nil {
				return a.conf, a.took, true
			}
			away.reason.Store(&a.err)
			if isRefusal(a.err) || turnedAway(a.err) {
				next.Reset(jittered(refusedEvery))
			}
		case <-ctx.Done():
			return configuration{}, 0, false
		}
	}
}

// jittered varies a duration by a tenth, so that replicas that lose Redis together do not ask together.
func jittered(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5) }
