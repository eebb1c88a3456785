package limiter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// ErrRefused reports that Redis refuses a request and would refuse it again: wrong password, missing permission,
// missing database. The reason of Redis is wrapped beside it. Once Redis has served the same request, a refusal is
// [ErrUnavailable] instead, because somebody is probably changing something; the limiter then logs a line every 30 s.
var ErrRefused = errors.New("limiter: redis refuses")

// isRefusal reports whether Redis would return this error again later.
func isRefusal(err error) bool {
	text := err.Error()
	for _, reason := range []string{
		"WRONGPASS", "NOAUTH", "NOPERM", "ACL failure in script", "user executing the script", // of users
		"invalid password", "without any password", "no password is set", // of servers before users
		"unauthenticated",                              // of a command that is longer than a client may send before it logs in
		"invalid DB index", "DB index is out of range", // of databases
	} {
		if strings.Contains(text, reason) {
			return true
		}
	}
	return false
}

// turnedAway reports whether a connection was refused by Redis itself, so that no call over it can be served.
func turnedAway(err error) bool {
	text := err.Error()
	for _, reason := range []string{"WRONGPASS", "NOAUTH", "unauthenticated", "invalid password", "max number of clients"} {
		if strings.Contains(text, reason) {
			return true
		}
	}
	return false
}

// warnEvery is how often the limiter logs that Redis refuses what it has served before.
const warnEvery = 30 * time.Second

// refusals logs, not too often, that Redis refuses what it has served before.
type refusals struct {
	log *slog.Logger

	mu     sync.Mutex
	logged time.Time
}

// failed returns the error for the caller. before is whether Redis has served the same before.
func (r *refusals) failed(ctx context.Context, err error, before bool) error {
	switch {
	case !isRefusal(err):
	case !before:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	default:
		r.mu.Lock()
		now := time.Now()
		due := now.Sub(r.logged) >= warnEvery
		if due {
			r.logged = now
		}
		r.mu.Unlock()
		if due {
			r.log.WarnContext(ctx, "redis refuses what it has served before", "error", err)
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
