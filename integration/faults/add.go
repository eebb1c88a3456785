package faults

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Add starts one more replica of this version, with further flags, and returns when it is ready.
func (w *World) Add(ctx context.Context, name string, flags ...string) (*Replica, error) {
	return w.AddAt(ctx, w.url(), name, flags...)
}

// AddFormer is Add for a replica of the former version.
func (w *World) AddFormer(ctx context.Context, name string, flags ...string) (*Replica, error) {
	return w.add(ctx, w.former.binary, w.url(), name, flags...)
}

// AddAt is Add for a replica that reaches Redis at another URL, such as the URL of a proxy.
func (w *World) AddAt(ctx context.Context, redis, name string, flags ...string) (*Replica, error) {
	return w.add(ctx, w.binary, redis, name, flags...)
}

func (w *World) add(ctx context.Context, binary, redis, name string, flags ...string) (*Replica, error) {
	most, live := w.Replicas+w.Joining, 0
	for _, r := range w.Fleet {
		if !r.killed {
			live++
		}
	}
	if live == most {
		return nil, fmt.Errorf("the row says that there are %d replicas, and starts another", most)
	}
	r, err := startReplica(ctx, binary, name, w.steps(len(w.Fleet)), slices.Concat(w.program.Flags, []string{
		"-redis", redis, "-provider", w.Provider.URL, "-tasks", fmt.Sprint(w.Tasks), "-rate", fmt.Sprint(w.Rate), "-per", w.Per.String(),
		"-burst", fmt.Sprint(w.Burst), "-deadline", w.Deadline.String(), "-replicas", fmt.Sprint(most),
	}, w.Flags, flags)...)
	if err != nil {
		return nil, err
	}
	w.Fleet = append(w.Fleet, r)
	return r, nil
}

// AddBehind starts one more replica behind a proxy of its own, and returns both.
func (w *World) AddBehind(ctx context.Context, name string, flags ...string) (*Replica, *Proxy, error) {
	p, err := StartProxy(ctx, w.Redis.Addr)
	if err != nil {
		return nil, nil, err
	}
	w.proxies = append(w.proxies, p)
	r, err := w.AddAt(ctx, "redis://"+p.Addr, name, flags...)
	return r, p, err
}

// steps returns the environment by which the wall clock of the n-th replica steps: forward for even n, back for odd n.
func (w *World) steps(n int) []string {
	by := w.Wall
	if n%2 == 1 {
		by = -by
	}
	return []string{fmt.Sprintf("FAULTS_WALL_BY=%d", by/time.Second), fmt.Sprintf("FAULTS_WALL_AFTER=%d", stepAfter/time.Second)}
}
