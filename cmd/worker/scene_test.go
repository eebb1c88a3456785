package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// playScene runs a scene of two seconds and parses its JSON object. The scene may miss marks, which are set for thirty seconds.
func playScene(t *testing.T, into any, args ...string) {
	t.Helper()
	status, stdout, stderr := run(t, nil, append([]string{"demo", "--seconds", "2", "--json", "--scene"}, args...)...)
	if status != cli.OK && (status != cli.Failed || !strings.Contains(stderr, "the mark is")) {
		t.Fatalf("status %d: %s", status, stderr)
	}
	in := json.NewDecoder(strings.NewReader(stdout))
	in.DisallowUnknownFields()
	if err := in.Decode(into); err != nil || in.More() {
		t.Fatalf("stdout is not one object: %v: %s", err, stdout)
	}
}

// TestSceneThrottled runs a fleet whose provider refuses calls and asks for a pause.
func TestSceneThrottled(t *testing.T) {
	var r throttledReport
	playScene(t, &r, "throttled", "--replicas", "2", "--rate", "100", "--burst", "10")
	if r.Scene != "throttled" || r.Replicas != 2 || len(r.Parts) != 5 || r.Refused == 0 || r.Refused >= r.Calls {
		t.Errorf("%+v", r)
	}
	if r.Hold.Asked != 1 || r.Hold.Refused < 1 {
		t.Errorf("the hold: %+v", r.Hold)
	}
	if first, low, last := r.Parts[0], r.Parts[1], r.Parts[4]; first.Refused > 0 || first.Accepted < 60 || low.Accepted > 80 || low.Asked < low.Accepted || last.Asked > 50 {
		t.Errorf("%+v", r.Parts)
	}
}

// TestSceneTokens runs two fleets whose providers count tokens. The fleet that settles uses about twice as many tokens as the other.
func TestSceneTokens(t *testing.T) {
	var r tokensReport
	playScene(t, &r, "tokens", "--replicas", "2")
	if r.Scene != "tokens" || r.Settled.Refused > 0 || r.Settled.Tokens == 0 || r.Unsettled.Calls == 0 || r.Settled.Used < 1.2*r.Unsettled.Used {
		t.Errorf("%+v", r)
	}
}

// steady returns a provider that got a call every 25 ms and refused some of them.
func steady(until time.Duration, refuses func(at time.Duration) (after time.Duration, yes bool)) *sceneProvider {
	p := &sceneProvider{}
	for at := time.Duration(0); at < until; at += 25 * time.Millisecond {
		after, refused := refuses(at)
		p.calls = append(p.calls, sceneCall{at: at, ok: !refused, after: after, output: 25})
	}
	return p
}

// TestThrottledReport checks the figures of the scene throttled and its missed marks.
func TestThrottledReport(t *testing.T) {
	c := &demoCmd{Replicas: 4, sceneFlags: sceneFlags{Scene: sceneThrottled}}
	if err := c.Rate.UnmarshalText([]byte("40")); err != nil {
		t.Fatal(err)
	}
	c.Burst = 40
	for name, k := range map[string]struct {
		from, to time.Duration // calls are refused
		found    float64
		missed   []string
	}{
		"marks met":      {6 * time.Second, 6900 * time.Millisecond, 1, nil},
		"too many":       {6 * time.Second, 15 * time.Second, 1, []string{"% of the calls were refused, the mark is 10 %"}},
		"back too late":  {14 * time.Second, 24600 * time.Millisecond, 10.5, []string{"of the calls", "accepted again after 10.5 s, the mark is 10s"}},
		"not back again": {14 * time.Second, 26 * time.Second, 0, []string{"of the calls", "36 calls a second were not accepted again, the mark is 10s"}},
	} {
		scene, err := newThrottled(c)
		if err != nil {
			t.Fatal(err)
		}
		scene.provider = steady(scene.end, func(at time.Duration) (time.Duration, bool) {
			if at >= scene.pauses && at < scene.pauses+scene.pause {
				return 2 * time.Second, true
			}
			return 0, at >= k.from && at < k.to
		})
		r := scene.measure()
		if k.found > 0 && (r.Found == nil || *r.Found < k.found-0.11 || *r.Found > k.found+0.11) || k.found == 0 && r.Found != nil {
			t.Errorf("%s: found after %v, want %v", name, r.Found, k.found)
		}
		if h := r.Hold; h.Asked != 2 || h.Refused != 80 || h.Next == nil || *h.Next != 2 {
			t.Errorf("%s: the hold: %+v", name, h)
		}
		wantVerdict(t, name, r, k.missed)
		wantNarrow(t, r, "THE PROVIDER ALLOWS", "15 a second", "a pause", "were refused (mark: 10 % at most)", "Arrivals per 100 ms")
	}
}

// TestTokensReport checks the figures of the scene tokens and its missed marks.
func TestTokensReport(t *testing.T) {
	for name, k := range map[string]struct {
		until  time.Duration // calls are made
		every  int           // every how many calls one is refused, 0 for none
		missed []string
	}{
		"marks met": {30 * time.Second, 0, nil},
		"unused":    {25 * time.Second, 0, []string{"the fleet that settles used 75.0 % of the tokens, the mark is 90 %"}},
		"refused":   {30 * time.Second, 40, []string{"2.5 % of the calls of the fleet that settles were refused, the mark is 1 %"}},
	} {
		scene := newTokensScene(&demoCmd{Replicas: 4, sceneFlags: sceneFlags{Scene: sceneTokens}})
		scene.fleets[0].provider = steady(k.until, func(at time.Duration) (time.Duration, bool) {
			return 0, k.every > 0 && int(at/(25*time.Millisecond))%k.every == 0
		})
		scene.fleets[1].provider = steady(20*time.Second, func(time.Duration) (time.Duration, bool) { return 0, false })
		r := scene.measure()
		if u := r.Unsettled; u.Used != 0.5 || u.Calls != 400 || u.Tokens != 10_000 {
			t.Errorf("%s: %+v", name, u)
		}
		wantVerdict(t, name, r, k.missed)
		wantNarrow(t, r, "NOT SETTLED", "calls refused", "2 times too high", "the other used 50.0 %")
	}
}

// wantVerdict checks which marks were missed.
func wantVerdict(t *testing.T, what string, o outcome, missed []string) {
	t.Helper()
	err := o.verdict()
	if (err == nil) != (len(missed) == 0) {
		t.Errorf("%s: the verdict is %v", what, err)
		return
	}
	for _, want := range missed {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the verdict %q does not say %q", what, err, want)
		}
	}
}

// wantNarrow checks that the page contains some texts and has at most 80 columns.
func wantNarrow(t *testing.T, o outcome, says ...string) {
	t.Helper()
	text := ansi.Strip(o.page(screen{width: 80}))
	for _, want := range says {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("%q is not printed:\n%s", want, text)
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if ansi.StringWidth(line) > 80 {
			t.Errorf("wider than 80 columns: %q", line)
		}
	}
}
