// Package limitertest helps to test what is built on package limiter: a Redis that runs inside a testing/synctest bubble,
// where a minute of rate limiting takes a moment and is exact, and the law that every limiter has to keep, as a check
// over the times at which calls really started.
package limitertest
