// Package upstreamtest is an API with a limit, for tests of API clients: "my client obeys 10 a second" in eight lines.
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
// Every request is an arrival. The API stamps an arrival when its headers have come, and calls a judge, under one lock:
// [upstream.Judge], which uses no clock and no HTTP. The API answers a call above the limit with 429 and Retry-After.
// It charges other calls, and answers them by [API.Script], else by [Config.Handler], else with 200 and {}. A call
// within the limit is charged whatever its answer is. So the test also finds a client that sends too many calls to a
// failing API.
//
// # Two ways in
//
// [API.URL] is an httptest server on loopback. Calls take real time, and the network adds noise, which [Config.Slack]
// covers. [API.Client] is an HTTP client whose connections are in memory, for any URL. Inside a testing/synctest bubble
// use only the client: a minute of calls takes no real time, and the limit can be strict. A socket stops the clock of a
// bubble.
//
// # Guarantee
//
// [API.Obeyed] reports exactly the calls that the limit, with its slack, does not allow. Levels are integers, and times
// are nanoseconds of the monotonic clock. The bucket is full, and the window is empty, when [New] returns.
//
// # Failure
//
// A value out of range ends the test with Fatalf, in one line that names the field. The server, the connections and
// their goroutines end with the test, which waits for running handlers. Until then the API remembers every call.
//
// All methods of an API are safe for concurrent use. The package depends only on the standard library and on package
// upstream.
package upstreamtest
