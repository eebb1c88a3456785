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

// ErrRefused reports that Redis refuses what it is asked for, and would refuse it again: a password that is wrong, a permission that
// the user lacks, a database that is not there. The reason that Redis gave is wrapped beside it. Once Redis has served the
// same it is [ErrUnavailable] instead, for then somebody is about to change something, and each 30 s a line of the log.
var ErrRefused = errors.New("limiter: redis refuses")

// isRefusal reports whether an error of Redis would be the same tomorrow.
func isRefusal(err error) bool {
	text := err.Error()
	for _, reason := range []string{
		"WRONGPASS", "NOAUTH", "NOPERM", "ACL failure in script", "user executing the script", // of users
		"invalid password", "without any password", "no password is set", // of servers before users
		"unauthenticated",                              // of a command that is longer than one who has not logged in may send
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

// warnEvery is how often the log says that Redis refuses what it has served before.
const warnEvery = 30 * time.Second

// refusals says in the log, not too often, that Redis refuses what it has served before.
type refusals struct {
	log *slog.Logger

	mu   sync.Mutex
	said time.Time
}

// failed is what a caller is told of an error: Redis has served the same before, or it has not.
func (r *refusals) failed(ctx context.Context, err error, before bool) error {
	switch {
	case !isRefusal(err):
	case !before:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	default:
		r.mu.Lock()
		now := time.Now()
		say := now.Sub(r.said) >= warnEvery
		if say {
			r.said = now
		}
		r.mu.Unlock()
		if say {
			r.log.WarnContext(ctx, "redis refuses what it has served before", "error", err)
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
