package faults

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// versionRows are the rows in which two versions of the project are one fleet. Replicas of the former version are the program waiter.
func versionRows() []Row {
	const turns = "two versions in one fleet: 20 replicas in turn are ended by SIGTERM and replaced by those of the other version, and then back again; "
	fleet := func(former age) Config { return Config{Replicas: 20, Joining: 20, Tasks: 2, Version: former} }
	mixed := []Mark{law(), noneFailed(), fortyInASecond(), usedAtLeast(0.9), atMost(duringHold, 0)}
	return []Row{{
		Number: 56, Name: "two versions",
		Fault:  turns + "the former one is the last whose scripts differ; at the end, while half of them are of each version, the provider asks to wait for 8 s",
		Config: fleet(lastVersion), Marks: mixed, Play: thereAndBack,
	}, {
		Number: 56, Name: "two versions, far apart",
		Fault:  turns + "the former one is the oldest whose records have the words of today; at the end the provider asks to wait for 8 s",
		Config: fleet(firstOfRecords), Marks: mixed, Play: thereAndBack,
	}, {
		Number: 56, Name: "two versions of records",
		Fault:  turns + "records of the former one have another version: its replicas are refused until all have ended and the namespace is removed",
		Config: fleet(formerRecords),
		Marks:  []Mark{law(), onlyFormerFailed(), fortyInASecond(), atLeast(usedByNew, 0.9), atLeast(startsRefused, 20), usedAtLeast(0.9)},
		Play:   refused,
	}}
}

const (
	duringHold    = "calls during the hold"
	usedByNew     = "used from 2 s after the first replica of this version came"
	startsRefused = "starts of the former version refused"
)

// these is how names of replicas of this version begin in rows with two versions.
const these = "new-"

// onlyFormerFailed is the mark of versions that refuse each other: an error of a former replica says which versions there are.
func onlyFormerFailed() Mark {
	return Mark{"only tasks of the former version failed, with an error that names both versions", func(p *Played) bool {
		for _, r := range p.Reports {
			if r.Failed > 0 && (strings.HasPrefix(r.Replica, these) || !namesVersions(r.Error)) {
				return false
			}
		}
		return true
	}}
}

// namesVersions reports whether an error says which version of records was found, and which is known.
func namesVersions(text string) bool { return strings.Count(text, "version ") >= 2 }

// replace ends the oldest replica that has not ended, starts one of a version, and waits for a call of that one.
func (w *World) replace(ctx context.Context, old *Replica, former bool) (*Replica, error) {
	if _, err := old.end(ctx, w.Provider.Now); err != nil {
		return nil, err
	}
	add, name := w.Add, fmt.Sprint(these, len(w.Fleet)+1)
	if former {
		add, name = w.AddFormer, fmt.Sprint("r", len(w.Fleet)+1)
	}
	r, err := add(ctx, name)
	if err != nil {
		return nil, err
	}
	return r, w.Await(ctx, 1, w.Provider.Now(), r.Name)
}

// thereAndBack replaces each replica by one of this version, and then by one of the former version. At the end, while half of the replicas are of
// each version, the provider asks one of this version to wait.
func thereAndBack(ctx context.Context, w *World) error {
	w.noteFormer()
	w.Fault()
	w.from = w.Provider.Now()
	for i := range 2 * w.Replicas {
		if _, err := w.replace(ctx, w.Fleet[i], i >= w.Replicas); err != nil {
			return err
		}
	}
	w.to, w.until = w.Provider.Now(), w.Provider.Now()
	var last *Replica
	for i := range w.Replicas / 2 {
		var err error
		if last, err = w.replace(ctx, w.Fleet[2*w.Replicas+i], false); err != nil {
			return err
		}
	}
	if _, err := last.Ask(ctx, "hold 8s"); err != nil { // more than 5 s are written down for the fleet
		return err
	}
	if err := pause(ctx, reserved); err != nil {
		return err
	}
	from := w.Provider.Now()
	if err := pause(ctx, 8*time.Second-2*reserved); err != nil {
		return err
	}
	w.Note(duringHold, float64(len(w.Provider.Log().Between(from, w.Provider.Now()))))
	return w.Await(ctx, 1, w.Provider.Now(), "")
}

// noteFormer notes which former version is played.
func (w *World) noteFormer() {
	w.Note("the former version is commit "+w.former.commit+" with records of version", float64(w.former.records))
}

// refused replaces each replica by one of this version. Those of the former version are refused from the first of this version on, and when they
// start again, until the namespace is removed.
func refused(ctx context.Context, w *World) error {
	w.noteFormer()
	w.Fault()
	var from time.Duration
	for i := range w.Replicas {
		if _, err := w.replace(ctx, w.Fleet[i], false); err != nil {
			return err
		}
		if i == 0 {
			if err := pause(ctx, 2*time.Second); err != nil {
				return err
			}
			from = w.Provider.Now()
		}
	}
	w.Note(usedByNew, w.Provider.Log().Used(from, w.Provider.Now(), w.perSecond()))
	if err := w.refusedStarts(ctx); err != nil {
		return err
	}
	if err := w.goBack(ctx); err != nil {
		return err
	}
	err := w.Measure(ctx, 10*time.Second)
	w.until = w.to
	return err
}

// refusedStarts starts as many replicas of the former version as there are of this one, which go on. Each should be refused.
func (w *World) refusedStarts(ctx context.Context) error {
	n := 0
	for i := range w.Replicas {
		r, err := w.AddFormer(ctx, fmt.Sprint("early", i+1))
		switch {
		case err == nil:
			return fmt.Errorf("replica %s of the former version has started beside those of this version", r.Name)
		case !namesVersions(err.Error()):
			return err
		}
		n++
	}
	w.Note(startsRefused, float64(n))
	return nil
}

// goBack ends all replicas, removes the namespace when every bucket is full, and starts the former version.
func (w *World) goBack(ctx context.Context) error {
	if err := w.end(ctx); err != nil {
		return err
	}
	w.to, w.until = 0, 0
	full := time.Duration(float64(w.Burst) / w.perSecond() * float64(time.Second))
	if err := pause(ctx, reserved+full); err != nil {
		return err
	}
	keys, err := w.Redis.Admin.Keys(ctx, "{weir}:*").Result()
	if err != nil {
		return err
	}
	if err := w.Redis.Admin.Del(ctx, keys...).Err(); err != nil {
		return err
	}
	for i := range w.Replicas {
		if _, err := w.AddFormer(ctx, fmt.Sprint("back", i+1)); err != nil {
			return err
		}
	}
	return w.Busy(ctx, 1)
}
