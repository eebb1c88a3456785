package faults

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// versionRows returns the rows in which two versions of the project are one fleet. Replicas of the former version run the program waiter.
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

// newPrefix is the prefix of the names of replicas of this version, in rows with two versions.
const newPrefix = "new-"

// onlyFormerFailed is the mark of versions that refuse each other: only tasks of former replicas failed, and their error names both versions of
// the records.
func onlyFormerFailed() Mark {
	return Mark{"only tasks of the former version failed, with an error that names both versions", func(p *Played) bool {
		for _, r := range p.Reports {
			if r.Failed > 0 && (strings.HasPrefix(r.Replica, newPrefix) || !namesVersions(r.Error)) {
				return false
			}
		}
		return true
	}}
}

// namesVersions reports whether an error names the version of the records that was found and the version that the replica knows.
func namesVersions(text string) bool { return strings.Count(text, "version ") >= 2 }

// replace ends a replica, starts one of this version or of the former one, and waits for a call of the new replica.
func (w *World) replace(ctx context.Context, old *Replica, former bool) (*Replica, error) {
	if _, err := old.end(ctx, w.Provider.Now); err != nil {
		return nil, err
	}
	add, name := w.Add, fmt.Sprint(newPrefix, len(w.Fleet)+1)
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
	if _, err := last.Ask(ctx, "hold 8s"); err != nil { // a hold of more than 5 s is kept in Redis for the fleet
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

// noteFormer notes the commit of the former version and the version of its records.
func (w *World) noteFormer() {
	w.Note("the former version is commit "+w.former.commit+" with records of version", float64(w.former.records))
}

// refused replaces each replica by one of this version. As soon as the first replica of this version has started, replicas of the former version
// are refused. New ones are refused, too, until the namespace is removed.
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

// refusedStarts starts replicas of the former version, as many as there are of this version, while those go on. It returns an error if one is not
// refused.
func (w *World) refusedStarts(ctx context.Context) error {
	n := 0
	for i := range w.Replicas {
		r, err := w.AddFormer(ctx, fmt.Sprint("early", i+1))
		switch {
		case err == nil:
			return fmt.Errorf("replica %s of the former version started beside replicas of this version, want that it is refused", r.Name)
		case !namesVersions(err.Error()):
			return err
		}
		n++
	}
	w.Note(startsRefused, float64(n))
	return nil
}

// goBack ends all replicas, waits until every bucket is full, removes the namespace, and starts replicas of the former version.
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
