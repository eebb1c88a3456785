package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/sse"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func failed(reason error) []sse.Event {
	return []sse.Event{{Name: "error", Data: []byte(reason.Error())}, {Name: "done"}}
}

func open(t *testing.T, edit func(*desk.Config)) *desk.Desk {
	t.Helper()
	cfg := desk.Config{Name: "r1", Last: failed}
	if edit != nil {
		edit(&cfg)
	}
	d, err := desk.New(cfg)
	must(t, err)
	return d
}

// job is an analysis whose events a test sends.
type job struct {
	*desk.Analysis
	report chan sse.Event
	errs   chan error       // of each report
	end    chan []sse.Event // closed: the job panics
}

func (j *job) work(ctx context.Context, report func(sse.Event) error) []sse.Event {
	for {
		select {
		case ev := <-j.report:
			j.errs <- report(ev)
		case last, ok := <-j.end:
			if !ok {
				panic("a fault of this test")
			}
			return last
		case <-ctx.Done():
			return failed(context.Cause(ctx))
		}
	}
}

func (j *job) send(t *testing.T, data ...string) {
	t.Helper()
	for _, text := range data {
		key, _, _ := strings.Cut(text, "=")
		if key == text {
			key = ""
		}
		j.report <- sse.Event{Key: key, Data: []byte(text)}
		must(t, <-j.errs)
	}
}

func begin(t *testing.T, d *desk.Desk, edit func(*desk.Order)) *job {
	t.Helper()
	j, err := order(d, edit)
	must(t, err)
	return j
}

func order(d *desk.Desk, edit func(*desk.Order)) (j *job, err error) {
	j = &job{report: make(chan sse.Event), errs: make(chan error), end: make(chan []sse.Event, 1)}
	o := desk.Order{Work: j.work}
	if edit != nil {
		edit(&o)
	}
	r, err := d.Start(context.Background(), o)
	if err != nil {
		return nil, err
	}
	r.Close()
	j.Analysis = r.Analysis()
	return j, nil
}

// ordered starts work, which nobody reads yet.
func ordered(t *testing.T, d *desk.Desk, work desk.Work) *desk.Analysis {
	t.Helper()
	r, err := d.Start(t.Context(), desk.Order{Work: work})
	must(t, err)
	r.Close()
	return r.Analysis()
}

// rest reads an analysis to its end, and returns its events as "id data".
func rest(t *testing.T, r *desk.Reader) (seen []string) {
	t.Helper()
	defer r.Close()
	for {
		f, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return seen
		}
		must(t, err)
		seen = append(seen, wire(t, f))
	}
}

// wire is what a client sees of a frame.
func wire(t *testing.T, f sse.Frame) (seen string) {
	t.Helper()
	text, err := f.AppendText(nil)
	must(t, err)
	for ev, err := range sse.Read(bytes.NewReader(text)) {
		must(t, err)
		seen = strings.TrimSpace(fmt.Sprintf("%s %s %s", ev.ID, ev.Name, ev.Data))
	}
	return strings.Join(strings.Fields(seen), " ")
}

func read(t *testing.T, a *desk.Analysis, after uint64) *desk.Reader {
	t.Helper()
	r, err := a.Read(after)
	must(t, err)
	return r
}

var done = []sse.Event{{Name: "result", Data: []byte("r")}, {Name: "done"}}

// TestReadersComeBack: any number of readers come back, each after its last event. Each sees every event once, also after the end.
func TestReadersComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		j := begin(t, d, nil)
		first := read(t, j.Analysis, 0)
		j.send(t, "a", "b")
		f, err := first.Next(t.Context())
		must(t, err)
		if got := wire(t, f); got != "1 a" {
			t.Errorf("the first event is %q, want 1 a", got)
		}
		first.Close()
		first.Close()
		j.send(t, "c")
		again := read(t, j.Analysis, 1)
		j.end <- done
		synctest.Wait()
		want := []string{"2 b", "3 c", "4 result r", "5 done"}
		if diff := cmp.Diff(want, rest(t, again)); diff != "" {
			t.Errorf("events after the first (-want +got):\n%s", diff)
		}
		late := read(t, j.Analysis, 3)
		if late.AtEnd() {
			t.Error("AtEnd is true before the last events")
		}
		if diff := cmp.Diff(want[2:], rest(t, late)); diff != "" || !late.AtEnd() {
			t.Errorf("AtEnd is %t, want true; events after the third (-want +got):\n%s", late.AtEnd(), diff)
		}
		if _, err := j.Read(6); !errors.Is(err, desk.ErrNotSeen) {
			t.Errorf("reading behind an event that was never sent: %v, want ErrNotSeen", err)
		}
		if j.State() != desk.Ended {
			t.Errorf("state %v, want ended", j.State())
		}
		must(t, d.Close(t.Context()))
	})
}

func TestNextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		r := read(t, begin(t, d, nil).Analysis, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
		}
		r.Close()
		must(t, d.Close(t.Context()))
	})
}

// TestAnAnalysisOutlivesItsReaders by Linger, counted from the moment at which the last reader left, and no longer.
func TestAnAnalysisOutlivesItsReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		start := time.Now()
		never := begin(t, d, nil) // nobody ever reads
		j := begin(t, d, nil)
		one, two := read(t, j.Analysis, 0), read(t, j.Analysis, 0)
		time.Sleep(time.Hour)
		one.Close()
		time.Sleep(time.Hour)
		two.Close()
		time.Sleep(time.Minute - 1)
		three := read(t, j.Analysis, 0)
		time.Sleep(time.Hour)
		three.Close()
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		if s := j.State(); s != desk.Running {
			t.Errorf("after %v the state is %v, want running", time.Since(start), s)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if s := j.State(); s != desk.Ended {
			t.Errorf("after %v the state is %v, want ended", time.Since(start), s)
		}
		if got := rest(t, read(t, j.Analysis, 0)); len(got) != 2 || !strings.Contains(got[0], desk.ErrLeft.Error()) {
			t.Errorf("the last events are %q, want ErrLeft and the end", got)
		}
		if _, err := d.Find(never.ID()); !errors.Is(err, desk.ErrUnknown) {
			t.Errorf("an analysis that nobody read: %v, want ErrUnknown", err)
		}
		must(t, d.Close(t.Context()))
	})
}

func TestAnAnalysisIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		j := begin(t, d, nil)
		j.end <- done
		synctest.Wait()
		time.Sleep(10*time.Minute - 1)
		if a, err := d.Find(j.ID()); err != nil || a != j.Analysis {
			t.Errorf("just before ten minutes: %v, want the analysis", err)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if _, err := d.Find(j.ID()); !errors.Is(err, desk.ErrUnknown) {
			t.Errorf("after ten minutes: %v, want ErrUnknown", err)
		}
		if c := d.Counts(); c != (desk.Counts{}) {
			t.Errorf("counts %+v, want all 0", c)
		}
		must(t, d.Close(t.Context()))
	})
}

func TestFind(t *testing.T) {
	d := open(t, func(c *desk.Config) { c.Name = "a.b" })
	for id, want := range map[string]string{"": "", "x": "", ".x": "", "a.b.x": "", "a.x": "a", "other.b.x": "other.b"} {
		_, err := d.Find(id)
		elsewhere, ok := errors.AsType[*desk.ElsewhereError](err)
		switch {
		case want == "" && !errors.Is(err, desk.ErrUnknown):
			t.Errorf("%q: %v, want unknown", id, err)
		case want != "" && (!ok || elsewhere.Replica != want):
			t.Errorf("%q: %v, want replica %s", id, err, want)
		}
	}
}

// TestBounds: an order above a bound is refused, and an analysis that ends makes room.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, func(c *desk.Config) { c.Running, c.Waiting, c.Readers = 2, 1, 2 })
		jobs := []*job{begin(t, d, nil), begin(t, d, nil), begin(t, d, nil)}
		var readers []*desk.Reader
		for _, j := range jobs[1:] {
			readers = append(readers, read(t, j.Analysis, 0))
		}
		_, err := order(d, nil)
		if full, ok := errors.AsType[*desk.FullError](err); !ok || full.Of != "analyses" || full.RetryAfter != 10*time.Second {
			t.Errorf("an order above the bound: %v, want a FullError", err)
		}
		if _, err := jobs[0].Read(0); err == nil {
			t.Error("a reader above the bound was accepted")
		}
		if c := d.Counts(); c.Running != 2 || c.Waiting != 1 || c.Readers != 2 || jobs[2].State() != desk.Waiting {
			t.Errorf("counts %+v, the third analysis is %v", c, jobs[2].State())
		}
		time.Sleep(30 * time.Second)
		jobs[0].end <- done
		synctest.Wait()
		if jobs[2].State() != desk.Running {
			t.Error("the waiting analysis does not run although a place is free")
		}
		before := d.Counts()
		_, err = order(d, func(o *desk.Order) { o.Key = "k" })
		if full, ok := errors.AsType[*desk.FullError](err); !ok || full.Of != "readers" || d.Counts() != before {
			t.Errorf("an order without a place for its reader: %v, counts %+v", err, d.Counts())
		}
		readers[0].Close()
		begin(t, d, func(o *desk.Order) { o.Key, o.Digest = "k", [32]byte{1} })
		_, err = order(d, nil)
		if full, ok := errors.AsType[*desk.FullError](err); !ok || full.RetryAfter != 30*time.Second {
			t.Errorf("an order behind two, of 30 s each, 2 at a time: %v, want a retry after 30 s", err)
		}
		for _, r := range readers {
			r.Close()
		}
		read(t, jobs[2].Analysis, 0).Close()
		must(t, d.Close(t.Context()))
		if _, err := order(d, nil); !errors.Is(err, desk.ErrClosed) {
			t.Errorf("an order after Close: %v, want ErrClosed", err)
		}
	})
}

// TestBytesAreBounded: the weight of an analysis counts until it has ended. Then the bytes of its log count.
func TestBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const mib = 1 << 20
		d := open(t, func(c *desk.Config) { c.Bytes = 10 * mib })
		heavy := func(o *desk.Order) { o.Weight = 8 * mib }
		if _, err := order(d, func(o *desk.Order) { o.Weight = 10 * mib }); !errors.Is(err, desk.ErrTooHeavy) {
			t.Errorf("an order heavier than all bytes: %v, want ErrTooHeavy", err)
		}
		j := begin(t, d, heavy)
		_, err := order(d, heavy)
		if full, ok := errors.AsType[*desk.FullError](err); !ok || full.Of != "bytes" {
			t.Errorf("an order above the bound: %v, want a FullError of bytes", err)
		}
		j.send(t, "a")
		j.end <- done
		synctest.Wait()
		if c := d.Counts(); c.Bytes > 4<<10 || c.Ended != 1 {
			t.Errorf("counts %+v after the end, want only the bytes of the log", c)
		}
		begin(t, d, heavy)
		must(t, d.Close(t.Context()))
		if c := d.Counts(); c != (desk.Counts{}) {
			t.Errorf("counts %+v after Close, want all 0", c)
		}
	})
}

// TestALogIsBounded: newer counts replace older ones, other events are refused, and the last events always fit.
func TestALogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, func(c *desk.Config) { c.LogBytes = 8 << 10 })
		j := begin(t, d, nil)
		j.send(t, "first")
		for i := range 1_000 {
			j.send(t, fmt.Sprint("n=", i))
		}
		long := strings.Repeat("x", 3_600)
		j.report <- sse.Event{Data: []byte(long)}
		must(t, <-j.errs)
		j.report <- sse.Event{Data: []byte(long)}
		if err := <-j.errs; !errors.Is(err, desk.ErrLogFull) {
			t.Errorf("an event above the bound: %v, want ErrLogFull", err)
		}
		j.report <- sse.Event{Name: "a\nb"}
		if _, ok := errors.AsType[*sse.FieldError](<-j.errs); !ok {
			t.Error("an event whose name has a line break was accepted")
		}
		j.end <- []sse.Event{{Name: "result", Data: []byte(long)}, {Name: "done"}}
		synctest.Wait()
		want := []string{"1 first", "1001 n=999", "1002 " + long, "1003 result " + long, "1004 done"}
		if diff := cmp.Diff(want, rest(t, read(t, j.Analysis, 0))); diff != "" {
			t.Errorf("the log (-want +got):\n%s", diff)
		}
		j = begin(t, d, nil)
		j.end <- []sse.Event{{Name: "result", Data: []byte(long + long)}, {Name: "done"}}
		synctest.Wait()
		want = []string{"1 error " + desk.ErrLogFull.Error() + ": its last events take more than 4096 bytes", "2 done"}
		if diff := cmp.Diff(want, rest(t, read(t, j.Analysis, 0))); diff != "" {
			t.Errorf("last events that do not fit: %s", diff)
		}
		must(t, d.Close(t.Context()))
	})
}

// TestCountsAreCompleteWhileTheLogHasRoom: a reader that keeps up sees each count.
func TestCountsAreCompleteWhileTheLogHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		j := begin(t, d, nil)
		r := read(t, j.Analysis, 0)
		for i := range 100 {
			j.send(t, fmt.Sprint("n=", i))
		}
		for i := range 100 {
			f, err := r.Next(t.Context())
			must(t, err)
			if got, want := wire(t, f), fmt.Sprintf("%d n=%d", i+1, i); got != want {
				t.Fatalf("the reader got %q, want %q", got, want)
			}
		}
		j.end <- done
		synctest.Wait()
		if got := rest(t, read(t, j.Analysis, 0)); len(got) != 3 {
			t.Errorf("a reader after the end got %v, want 3 events", got)
		}
		r.Close()
		must(t, d.Close(t.Context()))
	})
}

// TestKeys: an order with a known key joins the analysis, also after its end. A different order with the key is refused. A forgotten key is
// free.
func TestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		keyed := func(o *desk.Order) { o.Key, o.Digest = "k", [32]byte{1} }
		j := begin(t, d, keyed)
		if again := begin(t, d, keyed); again.Analysis != j.Analysis {
			t.Error("the same order started a second analysis")
		}
		if other := begin(t, d, nil); other.Analysis == j.Analysis {
			t.Error("an order without a key joined")
		}
		if _, err := order(d, func(o *desk.Order) { o.Key, o.Digest = "k", [32]byte{2} }); !errors.Is(err, desk.ErrKeyReused) {
			t.Errorf("another order with the key: %v, want ErrKeyReused", err)
		}
		j.end <- done
		time.Sleep(9 * time.Minute)
		if again := begin(t, d, keyed); again.Analysis != j.Analysis {
			t.Error("the same order started a second analysis after the end of the first")
		}
		time.Sleep(2 * time.Minute)
		if again := begin(t, d, keyed); again.Analysis == j.Analysis {
			t.Error("the key was kept for longer than its analysis")
		}
		must(t, d.Close(t.Context()))
	})
}

// TestNoAnalysisEndsTheProcess: a panic and a Goexit end an analysis with its last events.
func TestNoAnalysisEndsTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		j := begin(t, d, nil)
		close(j.end)
		synctest.Wait()
		if got := rest(t, read(t, j.Analysis, 0)); len(got) != 2 || !strings.Contains(got[0], "a fault of this test") || got[1] != "2 done" {
			t.Errorf("events after a panic: %q, want its error and done", got)
		}
		a := ordered(t, d, func(context.Context, func(sse.Event) error) []sse.Event { runtime.Goexit(); return nil })
		synctest.Wait()
		if got := rest(t, read(t, a, 0)); len(got) != 2 || got[1] != "2 done" {
			t.Errorf("events after Goexit: %q, want an error and done", got)
		}
		if c := d.Counts(); c.Running != 0 {
			t.Errorf("counts %+v, want nothing running", c)
		}
		must(t, d.Close(t.Context()))
	})
}

// TestEnd: a running analysis ends by its context, and a waiting one without having run. An analysis that ignores its context ends for its
// readers.
func TestEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, func(c *desk.Config) { c.Running = 2 })
		reason := errors.New("enough")
		stuck := make(chan struct{})
		stuckOne := ordered(t, d, func(context.Context, func(sse.Event) error) []sse.Event { <-stuck; return done })
		runs, waits := begin(t, d, nil), begin(t, d, nil)
		start := time.Now()
		for _, a := range []*desk.Analysis{waits.Analysis, stuckOne, runs.Analysis} {
			a.End(reason)
			if diff := cmp.Diff([]string{"1 error enough", "2 done"}, rest(t, read(t, a, 0))); diff != "" {
				t.Errorf("events of an analysis that End has ended (-want +got):\n%s", diff)
			}
		}
		if took := time.Since(start); took != 6*time.Second {
			t.Errorf("the analyses took %v, want 6 s", took)
		}
		if c := d.Counts(); c.Running != 1 {
			t.Errorf("a place is free before the work on it has returned: counts %+v", c)
		}
		close(stuck)
		synctest.Wait()
		if got := rest(t, read(t, stuckOne, 2)); len(got) != 0 {
			t.Errorf("events after the last: %q", got)
		}
		runs.End(errors.New("again"))
		must(t, d.Close(t.Context()))
	})
}

// TestEndStopsItsTimer: however often End was called, no timer is left once the work has returned.
func TestEndStopsItsTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := 0
		d := open(t, func(c *desk.Config) {
			c.Last = func(reason error) []sse.Event { late++; return failed(reason) }
		})
		j := begin(t, d, nil)
		for range 3 {
			j.End(errors.New("enough"))
		}
		synctest.Wait()
		late = 0 // the work has returned
		time.Sleep(time.Minute)
		if late > 0 || j.State() != desk.Ended {
			t.Errorf("%d timers were left, state %v, want none, and ended", late, j.State())
		}
		must(t, d.Close(t.Context()))
	})
}

// TestClose: an analysis without readers ends at once. An analysis with readers may go on until the context ends. All readers get the last
// events.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, func(c *desk.Config) { c.Running = 3 })
		quick, slow, unread, waits := begin(t, d, nil), begin(t, d, nil), begin(t, d, nil), begin(t, d, nil)
		type end struct {
			name   string
			after  time.Duration
			events []string
		}
		ends := make(chan end, 3)
		start := time.Now()
		for name, j := range map[string]*job{"quick": quick, "slow": slow, "waits": waits} {
			r := read(t, j.Analysis, 0)
			go func() {
				events := rest(t, r)
				ends <- end{name, time.Since(start), events}
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		closed := make(chan error)
		go func() { closed <- d.Close(ctx) }()
		synctest.Wait()
		if unread.State() != desk.Ended {
			t.Error("an analysis without readers goes on")
		}
		if _, err := order(d, nil); !errors.Is(err, desk.ErrClosed) {
			t.Errorf("an order while the desk closes: %v, want ErrClosed", err)
		}
		time.Sleep(5 * time.Second)
		quick.end <- done
		must(t, <-closed)
		failed := []string{"1 error " + desk.ErrClosed.Error(), "2 done"}
		want := []end{{"waits", 0, failed}, {"quick", 5 * time.Second, []string{"1 result r", "2 done"}}, {"slow", 20 * time.Second, failed}}
		for _, w := range want {
			if diff := cmp.Diff(w, <-ends, cmp.AllowUnexported(end{})); diff != "" {
				t.Errorf("the end of a stream during Close (-want +got):\n%s", diff)
			}
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("Close took %v, want 20 s", took)
		}
		must(t, d.Close(t.Context()))
	})
}

// TestCloseWaitsForNobodyWhoLeft: an analysis whose last reader leaves while the desk closes ends.
func TestCloseWaitsForNobodyWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		r := read(t, begin(t, d, nil).Analysis, 0)
		start := time.Now()
		time.AfterFunc(time.Second, r.Close)
		must(t, d.Close(t.Context()))
		if took := time.Since(start); took != time.Second {
			t.Errorf("Close took %v, want 1 s", took)
		}
	})
}

// TestCloseGivesUp: Close does not wait for a reader that takes nothing, nor for work that does not return. Its error counts them.
func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := open(t, nil)
		stuck := make(chan struct{})
		a := ordered(t, d, func(context.Context, func(sse.Event) error) []sse.Event { <-stuck; return nil })
		r := read(t, a, 0)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if err := d.Close(ctx); err == nil || !strings.Contains(err.Error(), "1 analyses and 1 readers") {
			t.Errorf("error %v, want one that counts what has not ended", err)
		}
		if took := time.Since(start); took > 12*time.Second {
			t.Errorf("Close took %v, want 12 s at most", took)
		}
		if diff := cmp.Diff([]string{"1 error " + desk.ErrClosed.Error(), "2 done"}, rest(t, r)); diff != "" {
			t.Errorf("events after Close (-want +got):\n%s", diff)
		}
		close(stuck)
	})
}

func TestConfig(t *testing.T) {
	for _, cfg := range []desk.Config{
		{}, {Name: "r"}, {Last: failed}, {Name: "r", Last: failed, Running: -1}, {Name: "r", Last: failed, Bytes: -1}, {Name: "r", Last: failed, Keep: -1},
	} {
		if _, err := desk.New(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}
