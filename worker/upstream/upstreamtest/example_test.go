package upstreamtest_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/weir-go/weir/worker/upstream/upstreamtest"
)

// printed replaces the *testing.T in these examples. It prints the failures that a test would report, and end runs its
// cleanups.
type printed struct{ cleanups []func() }

func (*printed) Helper()                           {}
func (*printed) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (*printed) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (p *printed) Cleanup(end func())              { p.cleanups = append(p.cleanups, end) }

func (p *printed) end() {
	for _, end := range p.cleanups {
		end()
	}
}

// fetch is the code under test. It fetches one item, and knows no limit.
func fetch(client *http.Client, base, item string) string {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, base+"/items/"+item, http.NoBody)
	if err != nil {
		return err.Error()
	}
	res, err := client.Do(req)
	if err != nil {
		return "no answer"
	}
	defer func() { _ = res.Body.Close() }()
	if wait := res.Header.Get("Retry-After"); wait != "" {
		return fmt.Sprintf("%d, try again in %s s", res.StatusCode, wait)
	}
	return strconv.Itoa(res.StatusCode)
}

// Does my client keep to 3 calls a minute? This one sends a fourth, and the test names it.
func ExampleAPI_Obeyed() {
	t := &printed{} // in a test: the *testing.T
	defer t.end()
	api := upstreamtest.New(t, upstreamtest.Config{
		Limit: upstreamtest.Limit{Window: upstreamtest.Window{N: 3, Per: time.Minute}},
	})
	for _, item := range []string{"a", "b", "c"} {
		fetch(http.DefaultClient, api.URL(), item)
	}
	fmt.Println("three calls, obeyed:", api.Obeyed())

	fetch(http.DefaultClient, api.URL(), "d")
	for _, c := range api.Calls() {
		fmt.Println(c.Method, c.Path, c.Status, c.Over)
	}
	fmt.Println("obeyed:", api.Err() == nil) // Obeyed would print the calls with their times
	// Output:
	// three calls, obeyed: true
	// GET /items/a 200 false
	// GET /items/b 200 false
	// GET /items/c 200 false
	// GET /items/d 429 true
	// obeyed: false
}

// What does my client do when the provider is in trouble? A script decides how the next calls are answered.
func ExampleAPI_Script() {
	t := &printed{}
	defer t.end()
	api := upstreamtest.New(t, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 10, Burst: 10}})
	api.Script(
		upstreamtest.Step{Calls: 1}, // as usual
		upstreamtest.Step{Calls: 2, Status: 429, RetryAfter: 7 * time.Second}, // asked to wait, within the limit
		upstreamtest.Step{Calls: 1, Status: 529},                              // overloaded
		upstreamtest.Step{Calls: 1, HangUp: true},                             // no answer at all
	)
	for range 6 {
		fmt.Println(fetch(api.Client(), "http://api.test", "a"))
	}
	fmt.Println("obeyed:", api.Obeyed()) // a refusal by the script is not the client's fault
	// Output:
	// 200
	// 429, try again in 7 s
	// 429, try again in 7 s
	// 529
	// no answer
	// 200
	// obeyed: true
}

// Without sockets: the client of an API takes requests to any address, also the one that is written in a program. In a
// testing/synctest bubble a minute of such calls takes no real time.
func ExampleAPI_Client() {
	t := &printed{}
	defer t.end()
	api := upstreamtest.New(t, upstreamtest.Config{
		Limit: upstreamtest.Limit{Rate: 10, Burst: 10},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Println("the handler sees", r.Host, r.URL.Path)
			w.WriteHeader(http.StatusNoContent)
		}),
	})
	fmt.Println(fetch(api.Client(), "https://api.example.com/v1", "a"))
	// Output:
	// the handler sees api.example.com /v1/items/a
	// 204
}
