package fleet_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/fleet"
)

// TestTasksAreWhatOrchestratorsPublish checks that the types of this package have the fields that an orchestrator
// publishes. This package does not import package orchestrator.
func TestTasksAreWhatOrchestratorsPublish(t *testing.T) {
	for _, c := range [][2]any{{orchestrator.Record{}, fleet.Tasks{}}, {orchestrator.LaneRecord{}, fleet.Lane{}}, {orchestrator.Progress{}, fleet.Batch{}}} {
		written, read := reflect.TypeOf(c[0]), reflect.TypeOf(c[1])
		for i := range max(written.NumField(), read.NumField()) {
			if i >= written.NumField() || i >= read.NumField() || written.Field(i).Name != read.Field(i).Name || written.Field(i).Tag != read.Field(i).Tag {
				t.Fatalf("%v and %v differ in field %d", written, read, i)
			}
		}
	}
	if orchestrator.SectionName != fleet.TasksSection {
		t.Error("the names of the section differ")
	}
}

// TestRecordsOfBusyOrchestrators checks the size of records: at most 4 KiB with ten routes, and at most 8 KiB with
// hundreds of routes and batches, even if their names are long.
func TestRecordsOfBusyOrchestrators(t *testing.T) {
	for _, c := range []struct {
		name            string
		routes, batches int
		long            bool
		within          int
	}{
		{"ten routes", 10, 3, false, 4 << 10},
		{"hundreds of routes and batches", 100, 100, false, 8 << 10},
		{"long names", 100, 100, true, 8 << 10},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, rdb := limitertest.Redis(t)
				name := func(what string, i int) string {
					if c.long {
						what += strings.Repeat("-long", 17)
					}
					return fmt.Sprint(what, i)
				}
				cfg := limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(5, 1)}}, Routes: map[string][]string{}}
				for i := range c.routes {
					cfg.Routes[name("route", i)] = []string{"global"}
				}
				l, err := limiter.New(t.Context(), rdb, cfg)
				if err != nil {
					t.Fatal(err)
				}
				o, err := orchestrator.New(orchestrator.Config{Limiter: l})
				if err != nil {
					t.Fatal(err)
				}
				task := func(ctx context.Context) (int, error) { return 0, nil }
				for i := range c.routes {
					for _, class := range []orchestrator.Class{orchestrator.Urgent, orchestrator.Normal, orchestrator.Background} {
						for range 4 {
							if _, err := orchestrator.Submit(t.Context(), o, task, orchestrator.Route(name("route", i)), orchestrator.Priority(class)); err != nil {
								t.Fatal(err)
							}
						}
					}
				}
				for i := range c.batches {
					if _, err := orchestrator.EnqueueBatch(t.Context(), o, name("batch", i), []orchestrator.Task[int]{task}, orchestrator.Route(name("route", 0))); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(3 * time.Second)
				f, err := fleet.Read(t.Context(), rdb, "weir")
				if err != nil {
					t.Fatal(err)
				}
				r := f.Replicas[0]
				n, oldest := r.Pending()
				t.Logf("%d bytes: %d routes, %d lanes, %d batches; %d pending, the oldest for %v", len(r.Raw), len(r.Routes), len(r.Tasks.Lanes), len(r.Tasks.Batches), n, oldest)
				if want := 12*c.routes + c.batches; len(r.Raw) > c.within || n < want-30 || n > want || oldest < time.Second {
					t.Errorf("%d bytes, want at most %d; %d pending of %d", len(r.Raw), c.within, n, want)
				}
				for _, v := range r.Routes {
					if len(v.Buckets) == 0 {
						t.Errorf("%+v has no buckets", v)
					}
				}
				if c.routes == 10 && (len(r.Tasks.Lanes) != 10 || len(r.Routes) != 21 || len(r.Tasks.Batches) != 3 || r.Omitted+r.Tasks.Omitted != 0) {
					t.Errorf("something is left out of a small record: %s", r.Raw)
				}
				dec := json.NewDecoder(bytes.NewReader(r.Sections[fleet.TasksSection]))
				dec.DisallowUnknownFields()
				if err := dec.Decode(&fleet.Tasks{}); err != nil {
					t.Error(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_ = o.Close(ctx) // it returns an error, because tasks still wait
				if err := l.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
