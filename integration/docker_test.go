package integration

import (
	"context"
	"os"
	"testing"

	"github.com/testcontainers/testcontainers-go"
	rediscontainer "github.com/testcontainers/testcontainers-go/modules/redis"
)

// startRedis starts a Redis container for one test and returns its URL.
func startRedis(t *testing.T) string {
	t.Helper()
	provider, err := testcontainers.NewDockerProvider()
	if err == nil {
		err = provider.Health(t.Context())
	}
	if err != nil {
		missing(t, "no Docker engine answers (%v): start one", err)
	}
	image := os.Getenv("REDIS_IMAGE")
	if image == "" {
		image = "redis:7-alpine"
	}
	container, err := rediscontainer.Run(t.Context(), image)
	testcontainers.CleanupContainer(t, container)
	if err != nil {
		missing(t, "no container of image %s (%v): pull the image, or set REDIS_IMAGE to a local one", image, err)
	}
	url, err := container.ConnectionString(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// missing ends a test on a machine that lacks something. It skips the test, or fails it if CI is set.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI is set, so this test must run: "+format, args...)
	}
	t.Skipf(format, args...)
}

// detached returns a context for cleaning up, which outlives the context of the test.
func detached(t *testing.T) context.Context { return context.WithoutCancel(t.Context()) }
