package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/upstream"
)

const (
	replicas = 8
	length   = 15 * time.Second
	rate     = 40
)

// TestFleetSharesOneBudget runs eight replicas as processes of their own on a real Redis. Each has more work than its share of
// the budget. The simulator refuses calls above the budget. It must refuse none, and receive at least 97 % of the budget.
func TestFleetSharesOneBudget(t *testing.T) {
	redisURL := startRedis(t)
	worker, inspect := build(t, "worker"), build(t, "inspect")
	sim := start(t, nil, worker, "upstream", "--addr", "127.0.0.1:0")
	env := []string{"REDIS_URL=" + redisURL, "WEIR_UPSTREAM=http://" + sim.addr, "WEIR_DRAIN=1s"}
	fleet := make([]*process, replicas)
	for i := range fleet {
		fleet[i] = start(t, env, worker, "serve", "--addr", "127.0.0.1:0")
	}

	// The simulator counts from the first call on: two seconds are for the start.
	ctx, leave := context.WithTimeout(t.Context(), length+2*time.Second)
	defer leave()
	var clients sync.WaitGroup
	for _, replica := range fleet {
		clients.Go(func() { keepBusy(ctx, t, "http://"+replica.addr) })
	}
	clients.Wait()

	s := stats(t, "http://"+sim.addr)
	t.Logf("arrivals %v in %.1f s, worst second %d of %d", s.Arrivals, s.Seconds, s.Worst1s, s.Allowed1s)
	if s.Refused != 0 {
		t.Errorf("the simulator refused %d calls: %v", s.Refused, s.HTTP429)
	}
	// Every analysis begins with one call whose answer all others need. After three seconds there are always tasks that wait.
	const from, to = 30, 150
	if len(s.Per100ms) < to {
		t.Fatalf("the simulator has arrivals for %d00 ms only, want %d00 ms", len(s.Per100ms), to)
	}
	var used int64
	for _, n := range s.Per100ms[from:to] {
		used += n
	}
	if share := float64(used) / (rate * (to - from) / 10); share < 0.97 {
		t.Errorf("the fleet used %.1f %% of the budget while tasks waited, want 97 %%", 100*share)
	} else {
		t.Logf("the fleet used %.1f %% of the budget while tasks waited", 100*share)
	}
	checkInspect(t, inspect, env)
	for _, replica := range fleet {
		replica.stop(t)
	}
	sim.stop(t)
}

// keepBusy requests one analysis of the sample after the other from a replica, until ctx ends.
func keepBusy(ctx context.Context, t *testing.T, url string) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/playlists/analyze", bytes.NewReader(playlist.Sample()))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "text/csv")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			if ctx.Err() == nil {
				t.Error(err)
			}
			return
		}
		if res.StatusCode == http.StatusServiceUnavailable { // not connected to Redis yet
			_ = res.Body.Close()
			continue
		}
		stream, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if ctx.Err() == nil && (err != nil || bytes.Contains(stream, []byte("event: error"))) {
			t.Errorf("%s: %v\n%s", url, err, stream)
			return
		}
	}
}

func stats(t *testing.T, url string) upstream.Stats {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/stats", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var s upstream.Stats
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// checkInspect checks what inspect shows of the fleet.
func checkInspect(t *testing.T, inspect string, env []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), inspect, "--json")
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("inspect: %v", err)
	}
	var seen struct {
		Buckets  []struct{ Name string }
		Replicas []struct {
			State string
			Done  int
		}
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatal(err)
	}
	if len(seen.Buckets) != 4 || len(seen.Replicas) != replicas { // the shared bucket, and one for each of three providers
		t.Errorf("inspect shows %d buckets and %d replicas, want 4 and %d: %s", len(seen.Buckets), len(seen.Replicas), replicas, out)
	}
	for _, r := range seen.Replicas {
		if r.State != "up" || r.Done == 0 {
			t.Errorf("inspect shows a replica as %+v, want the state up and tasks done", r)
		}
	}
}
