package tui

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// sgr matches the only control sequence that a frame may have: the look of a text.
var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// wrong returns what is wrong with a frame, "" if nothing is.
func wrong(frame string, width, height int) string {
	lines := strings.Split(frame, "\n")
	if len(lines) > height {
		return fmt.Sprintf("%d lines in %d", len(lines), height)
	}
	for _, line := range lines {
		if n := ansi.StringWidth(line); n > width {
			return fmt.Sprintf("%d columns in %d: %q", n, width, line)
		}
		for _, r := range sgr.ReplaceAllString(line, "") {
			if !unicode.IsPrint(r) {
				return fmt.Sprintf("%q in %q", r, line)
			}
		}
	}
	return ""
}

// evil is a text with sequences that control a terminal.
const evil = "e\x1b]0;title\x07\x1b[2J\u009b31m\u202evil\r\n\x00\U000e0041\xff"

// names generates names: short, long, wide and hostile ones.
func names() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"global", "spotify:tracks", evil, "日本語の名前がとても長いです", "e\u0301e\u0301e\u0301", "👩‍👩‍👧‍👦🇩🇪", strings.Repeat("long-", 60), "", " "}),
		rapid.String(),
	)
}

// anyFleet draws a fleet with random contents.
func anyFleet(t *rapid.T, at time.Time) *fleet.Fleet {
	number := rapid.Int64Range(-5, 1<<50)
	small := rapid.IntRange(0, 1<<31)
	ms := rapid.Int64Range(0, 1<<40)
	f := &fleet.Fleet{
		Namespace: names().Draw(t, "namespace"), Snapshot: limiter.Snapshot{At: at, Epoch: names().Draw(t, "epoch"), Grants: number.Draw(t, "grants"), Live: small.Draw(t, "live")},
		Redis: fleet.Redis{"redis_version": names().Draw(t, "version"), "role": names().Draw(t, "role"), "used_memory": fmt.Sprint(number.Draw(t, "memory")), "maxmemory_policy": names().Draw(t, "policy"), "evicted_keys": "7"},
	}
	for range rapid.IntRange(0, 30).Draw(t, "buckets") {
		b := limiter.BucketSnapshot{
			Bucket: names().Draw(t, "bucket"), Limit: limiter.PerSecond(rapid.Int64Range(1, 1<<40).Draw(t, "rate"), 5), Served: rapid.Float64Range(0, 1).Draw(t, "served"),
			Waiting: rapid.Float64Range(0, 1e12).Draw(t, "waiting"), PausedFor: time.Duration(rapid.SampledFrom([]int64{0, 0, 1e9, int64(limiter.UntilResumed)}).Draw(t, "paused")),
			HeldBy: rapid.SampledFrom([]string{"", "", evil}).Draw(t, "held by"),
		}
		if rapid.Bool().Draw(t, "disputed") {
			b.Wanted = []limiter.Wanted{{Limits: []limiter.Limit{b.Limit}, Replicas: []string{evil}}}
		}
		f.Buckets = append(f.Buckets, b)
	}
	for range rapid.IntRange(0, 12).Draw(t, "replicas") {
		v := fleet.Replica{
			State:  rapid.SampledFrom([]fleet.State{fleet.Up, fleet.Draining, fleet.Lost, fleet.Unknown}).Draw(t, "state"),
			Age:    time.Duration(ms.Draw(t, "age")) * time.Millisecond,
			Record: limiter.Record{ID: names().Draw(t, "id"), Host: names().Draw(t, "host"), Build: names().Draw(t, "build"), PID: 7, Started: at, OldestMS: ms.Draw(t, "oldest")},
		}
		if rapid.Bool().Draw(t, "readable") {
			bucket, route := names().Draw(t, "bucket"), names().Draw(t, "route")
			v.Raw = []byte(`{}`)
			v.Buckets = map[string]limiter.BucketRecord{bucket: {Used: number.Draw(t, "used"), UsedS: rapid.Float64Range(0, 1e15).Draw(t, "used/s")}}
			v.Routes = []limiter.RouteRecord{{Route: route, Buckets: []string{bucket}, Waiting: small.Draw(t, "waiting")}}
			v.Tasks = &fleet.Tasks{
				Lanes:   []fleet.Lane{{Route: route, Urgent: small.Draw(t, "urgent"), ShutMS: 5, Reason: names().Draw(t, "reason")}},
				Batches: []fleet.Batch{{ID: names().Draw(t, "batch"), Done: small.Draw(t, "done"), Total: rapid.IntRange(-1, 10).Draw(t, "total")}},
			}
		}
		f.Replicas = append(f.Replicas, v)
	}
	return f
}

// TestAnyFrameFits checks that, with random readings, keys and sizes, nothing panics, no line is too long, and no frame has a control character.
func TestAnyFrameFits(t *testing.T) {
	var keys []string
	for _, b := range bindings(true) {
		keys = append(keys, b.keys...)
	}
	keys = append(keys, "backspace", "ctrl+u", "x", "(", "!", "ü", "世")
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(Config{Namespace: evil, Addr: evil}, func(string) fetched { return fetched{} })
		m.now = began
		clockNow := began
		m.Update(tea.WindowSizeMsg{Width: rapid.IntRange(minWidth, 240).Draw(t, "width"), Height: rapid.IntRange(minHeight, 70).Draw(t, "height")})
		m.Update(reading(anyFleet(t, clockNow), ""))
		for range rapid.IntRange(5, 25).Draw(t, "steps") {
			clockNow = clockNow.Add(time.Duration(rapid.IntRange(-1, 8).Draw(t, "seconds")) * time.Second)
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				m.Update(tea.WindowSizeMsg{Width: rapid.IntRange(0, 240).Draw(t, "width"), Height: rapid.IntRange(0, 70).Draw(t, "height")})
			case 1:
				m.Update(reading(anyFleet(t, clockNow), rapid.SampledFrom([]string{"", m.detail, evil}).Draw(t, "bucket")))
			case 2:
				m.Update(fetched{begun: clockNow, ended: clockNow, err: errors.New(names().Draw(t, "error")), bucket: m.detail, whyErr: errors.New(evil)})
			case 3:
				m.Update(clock(clockNow))
			case 4:
				m.Update(tea.PasteMsg{Content: names().Draw(t, "pasted")})
			default:
				for range rapid.IntRange(1, 4).Draw(t, "keys") {
					m.Update(keystroke(rapid.SampledFrom(keys).Draw(t, "key")))
				}
			}
			if w := wrong(m.View().Content, m.width, max(1, m.height)); w != "" {
				t.Fatalf("%s\n%s", w, m.View().Content)
			}
		}
	})
}

// TestEverySizeFits checks that each screen of a full fleet fits into terminals of many sizes.
func TestEverySizeFits(t *testing.T) {
	for _, keys := range [][]string{{"1"}, {"2"}, {"2", "w"}, {"3"}, {"4"}, {"5"}, {"6"}, {"?"}, {"2", "j", "enter"}, {"3", "/", "x"}, {"space"}} {
		m := watching(80, 24)
		press(m, keys...)
		m.take(reading(shop(62), m.detail))
		// Around each width and height at which something changes.
		for _, width := range []int{0, 1, 20, 39, 40, 41, 49, 50, 69, 70, 79, 80, 99, 100, 119, 120, 121, 163, 200, 230} {
			for _, height := range []int{0, 1, 2, 9, 10, 11, 12, 16, 24, 29, 30, 31, 50, 70} {
				m.Update(tea.WindowSizeMsg{Width: width, Height: height})
				got := m.View().Content
				if w := wrong(got, width, max(1, height)); w != "" {
					t.Fatalf("%v at %dx%d: %s\n%s", keys, width, height, w, got)
				}
				if small := strings.Contains(got, "small"); width >= 20 && height > 2 && small != (width < minWidth || height < minHeight) {
					t.Fatalf("%dx%d:\n%s", width, height, got)
				}
			}
		}
	}
}

// TestHostileTexts checks that no control character from Redis, from an error or from the operator's clipboard reaches the terminal.
func TestHostileTexts(t *testing.T) {
	f := &fleet.Fleet{
		Namespace: evil, Redis: fleet.Redis{"redis_version": evil, "role": evil, "maxmemory_policy": evil, "evicted_keys": "3"},
		Snapshot: limiter.Snapshot{At: began, Epoch: evil, Buckets: []limiter.BucketSnapshot{{Bucket: evil, Limit: limiter.PerSecond(1, 1), PausedFor: time.Hour, HeldBy: evil}}},
		Replicas: []fleet.Replica{
			{Record: limiter.Record{
				ID: evil, Host: evil, Build: evil, Buckets: map[string]limiter.BucketRecord{evil: {Used: 3, UsedS: 1}}, Routes: []limiter.RouteRecord{{Route: evil, Buckets: []string{evil}, Waiting: 3}},
			}, State: fleet.Up, Raw: []byte(`{}`), Server: &fleet.Server{Addr: evil, Version: evil}, Tasks: &fleet.Tasks{Batches: []fleet.Batch{{ID: evil}}}},
			{Record: limiter.Record{ID: evil + "2"}, State: fleet.Lost},
		},
	}
	for _, keys := range [][]string{{"1"}, {"2"}, {"2", "w"}, {"3"}, {"4"}, {"5"}, {"6"}, {"2", "enter"}} {
		m := newModel(Config{Namespace: evil, Addr: evil}, func(string) fetched { return fetched{} })
		m.now, m.width, m.height = began, 200, 50
		m.Update(reading(f, ""))
		press(m, keys...)
		m.Update(reading(f, m.detail))
		m.Update(fetched{begun: began, ended: began, err: errors.New(evil), bucket: m.detail, whyErr: errors.New(evil)})
		press(m, "/")
		m.Update(tea.PasteMsg{Content: evil})
		if w := wrong(m.View().Content, 200, 50); w != "" {
			t.Errorf("%v: %s", keys, w)
		}
	}
}
