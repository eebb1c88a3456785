package gate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/weir-go/weir/worker/gate"
)

// How does my handler refuse in the form of RFC 9457, as the gate does?
func ExampleProblem() {
	out := httptest.NewRecorder()
	gate.Problem{
		Type: gate.TypeCapacity, Status: http.StatusServiceUnavailable, Detail: "all places are taken: try again later",
		RetryAfter: 1500 * time.Millisecond,
	}.Write(out)
	fmt.Println(out.Code, out.Header().Get("Content-Type"), "Retry-After:", out.Header().Get("Retry-After"))
	fmt.Println(out.Body)
	// Output:
	// 503 application/problem+json Retry-After: 2
	// {"type":"https://iana.org/assignments/http-problem-types#temporary-reduced-capacity","title":"Service Unavailable","status":503,"detail":"all places are taken: try again later"}
}
