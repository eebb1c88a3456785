package gate

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// TypeCapacity is the problem type of draft-ietf-httpapi-ratelimit-headers for a server that can accept less than usual
// from all clients: status 503.
const TypeCapacity = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"

// Problem is a refusal in the form of RFC 9457.
type Problem struct {
	// Type is a URI that names the kind of problem. Zero is a problem that the status describes.
	Type string `json:"type,omitempty"`
	// Title is the title. Zero is the text of the status.
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is a sentence for people: what is wrong, and what to do.
	Detail string `json:"detail"`
	// Replica is the replica to ask instead, with status 421.
	Replica string `json:"replica,omitempty"`
	// RetryAfter becomes a header, in whole seconds and at least one. Zero is none.
	RetryAfter time.Duration `json:"-"`
}

// Write answers a request with the problem.
func (p Problem) Write(out http.ResponseWriter) {
	if p.Title == "" {
		p.Title = http.StatusText(p.Status)
	}
	header := out.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(p.RetryAfter.Seconds()))))
	}
	out.WriteHeader(p.Status)
	_ = json.NewEncoder(out).Encode(p) // the client may have left, so the error has no reader
}
