// Package schema_test checks the JSON of inspect against its schemas.
package schema_test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/weir-go/weir/cmd/inspect/internal/faces"
	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

func compile(t *testing.T, name string) (*jsonschema.Schema, map[string]any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s, doc.(map[string]any) //nolint:forcetypeassert // it has compiled
}

func validate(t *testing.T, s *jsonschema.Schema, v any) error {
	t.Helper()
	var text bytes.Buffer
	if err := faces.JSON(&text, v, false); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(&text)
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestReportsFollowTheirSchema checks empty reports, and a report with every field.
func TestReportsFollowTheirSchema(t *testing.T) {
	s, doc := compile(t, "inspect-v1.json")
	turn := int64(5)
	rec := limiter.Record{
		Version: 1, ID: "a", Host: "h", Routes: []limiter.RouteRecord{{Route: "r", Buckets: []string{"b"}, Waiting: 3, OldestMS: 9, TurnMS: &turn}},
		Buckets: map[string]limiter.BucketRecord{"b": {Used: 3, UsedS: 0.5, Refused: 1, RefusedS: 0.1}},
	}
	whole := &fleet.Fleet{
		Namespace: "n", Redis: fleet.Redis{"redis_version": "7", "role": "master", "aof_enabled": "1", "used_memory": "5", "min_slaves_good_slaves": "1"},
		Snapshot: limiter.Snapshot{At: time.Unix(1_800_000_000, 0), Epoch: "e", Live: 2, Buckets: []limiter.BucketSnapshot{{
			Bucket: "b", Limit: limiter.PerSecond(1, 1), Tokens: 0.5, Served: 0.5, PausedFor: time.Hour, HeldBy: "a", HeldSince: time.Unix(1, 0),
			Wanted: []limiter.Wanted{{Limits: []limiter.Limit{limiter.PerSecond(1, 1)}, Replicas: []string{"a"}}},
		}}},
		Replicas: []fleet.Replica{
			{Record: rec, State: fleet.Up, Raw: json.RawMessage(`{"v":1}`), Tasks: &fleet.Tasks{Slots: 1, Batches: []fleet.Batch{{ID: "x"}}}, Server: &fleet.Server{Addr: "a:1"}},
			{Record: limiter.Record{ID: "z"}, State: fleet.Lost},
		},
	}
	for _, f := range []*fleet.Fleet{{}, {Namespace: "n"}, whole} {
		if err := validate(t, s, report.New("addr", f)); err != nil {
			t.Error(err)
		}
	}
	r := report.New("addr", whole)
	r.Buckets[0].State = "wrong"
	if validate(t, s, r) == nil {
		t.Error("the schema accepts an unknown state")
	}
	named(t, doc, reflect.TypeFor[report.Report]())
}

// TestWhyFollowsItsSchema checks an empty answer, and an answer with several kinds of reasons.
func TestWhyFollowsItsSchema(t *testing.T) {
	s, doc := compile(t, "inspect-why-v1.json")
	p := limiter.Position{Bucket: "b", Limit: limiter.PerSecond(1, 1), In: limiter.UntilResumed, Line: []limiter.Waiting{{Replica: "a", Route: "r", Tokens: 3}}}
	for _, kind := range []limiter.ReasonKind{limiter.Paused, limiter.Held, limiter.Follows, limiter.Disputed, limiter.Forgotten, limiter.Recovering} {
		p.Why = append(p.Why, limiter.Reason{Kind: kind, For: time.Second, By: "a", At: time.Unix(1, 0), Rate: 3})
	}
	for _, p := range []limiter.Position{{}, p} {
		w := report.NewWhy("n", []string{"b"}, p)
		if err := validate(t, s, w); err != nil {
			t.Error(err)
		}
		used := 3.5
		w.Add(&report.Report{Buckets: []report.Bucket{{
			Name: "b", UsedPerS: &used, RefusedPerS: &used, Shares: []report.Share{{Replica: "a", UsedPerS: 2}}, Wishes: []report.Wish{{Limits: []string{"1"}, Replicas: []string{"a"}}},
		}}})
		if err := validate(t, s, w); err != nil {
			t.Error(err)
		}
	}
	named(t, doc, reflect.TypeFor[report.Why]())
}

// named fails the test if a schema and a type do not have the same fields.
func named(t *testing.T, doc map[string]any, of reflect.Type) {
	t.Helper()
	defs, _ := doc["$defs"].(map[string]any)
	seen := map[reflect.Type]bool{}
	var visit func(schema map[string]any, of reflect.Type)
	visit = func(schema map[string]any, of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() || seen[of] {
			return
		}
		seen[of] = true
		var fields []string
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, name)
			inner := field.Type
			for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			def, _ := defs[inner.Name()].(map[string]any)
			visit(def, inner)
		}
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		if len(properties) != len(fields) || len(required) != len(fields) {
			t.Errorf("%v has %d fields, its schema %d, of which %d are required", of, len(fields), len(properties), len(required))
		}
		for _, name := range fields {
			if properties[name] == nil || !slices.Contains(required, any(name)) {
				t.Errorf("%v: the schema lacks %s", of, name)
			}
		}
	}
	visit(doc, of)
}
