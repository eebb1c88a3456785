// Package upstreamtest is an API with a limit, for the tests of whoever calls one: "my client obeys 10 a second" in
// eight lines.
//
//	func TestMyClientObeys10ASecond(t *testing.T) {
//		api := upstreamtest.New(t, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 10, Burst: 10}})
//		client := mine.New(api.URL())
//		for range 50 {
//			client.Fetch(t.Context())
//		}
//		api.Obeyed() // reports to t the first stretch of calls that was too much
//	}
//
// # Model
//
// Every request is an arrival. The API stamps an arrival when its headers have come, and asks a judge, under one lock:
// [upstream.Judge], which knows no clock and no HTTP. A call above the limit is answered 429 with Retry-After. Other
// calls are charged, and answered as [API.Script] says, else by [Config.Handler], else with 200 and {}. A call counts
// against the limit whatever it is answered, so a client that hammers an API which is in trouble is reported as well.
//
// # Two ways in
//
// [API.URL] is an httptest server on loopback. It takes as long as the calls take, and the network adds noise, for
// which there is [Config.Slack]. [API.Client] is an HTTP client whose connections are in memory, for any URL. Inside a
// testing/synctest bubble use the client alone: a minute of calls takes no real time, and the limit can be strict. A socket
// stops the clock of a bubble.
//
// # Guarantee
//
// [API.Obeyed] reports exactly the calls that the limit, with its slack, does not allow. Levels are integers, and times
// are nanoseconds of the monotonic clock. The bucket is full, and the window is empty, when [New] returns.
//
// # Failure
//
// What is out of range is reported by Fatalf, in one line that names the field. The server, the connections and their
// goroutines end with the test; its end waits for handlers that run. Every call is remembered until then.
//
// All methods of an API are safe for concurrent use. The package depends on the standard library and on package upstream
// alone.
package upstreamtest
