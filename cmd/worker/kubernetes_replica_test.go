package main

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/gate"
)

// reserve is the part of a pod's termination grace period beyond the longest time that its replica takes to end.
const reserve = 2 * time.Second

// replica checks a container that runs this command.
func (j *judge) replica(o object, c container) {
	env := j.environment(c)
	if len(c.Args) == 0 || c.Args[0] != "serve" {
		j.complain("the command is %q, want serve", c.Args)
		return
	}
	serve, err := j.parse(c.Args, env)
	if err != nil {
		j.complain("the command refuses its arguments or its environment: %v", err)
		return
	}
	p := o.Spec.Template.Spec
	at := map[bool]int{false: j.listens("--addr", serve.Addr), true: j.listens("WEIR_ADMIN", serve.Admin)}
	for _, port := range slices.Sorted(maps.Values(at)) {
		if p.port(strconv.Itoa(port)) == 0 {
			j.complain("the command listens on port %d, which is no containerPort", port)
		}
	}
	for _, port := range c.Ports {
		if port.Number != at[false] && port.Number != at[true] {
			j.complain("the command does not listen on containerPort %d", port.Number)
		}
	}
	if env["PORT"] != "" && env["PORT"] != strconv.Itoa(at[false]) {
		j.complain("PORT is %s, for worker healthcheck, and the command listens on port %d", env["PORT"], at[false])
	}
	if env[tokenVariable] == "" && !serve.AllowAnyone {
		j.complain("%s is not set: without it the command refuses to listen for other machines", tokenVariable)
	}
	for what, from := range map[string]probe{"liveness": c.Liveness, "readiness": c.Readiness} {
		if status := j.status(p.port(from.Get.Port) == at[true], from.Get.Path); status != http.StatusOK {
			j.complain("the %s probe asks for %q, and a replica that is ready answers %d", what, from.Get.Path, status)
		}
	}
	if marks := o.Spec.Template.Metadata.Annotations; marks["prometheus.io/port"] != "" {
		path := cmp.Or(marks["prometheus.io/path"], "/metrics")
		if marks["prometheus.io/port"] != strconv.Itoa(at[true]) || j.status(true, path) != http.StatusOK {
			j.complain("Prometheus is sent to port %s and path %s, which do not have the metrics", marks["prometheus.io/port"], path)
		}
	}
	j.redis(env["REDIS_URL"])
	j.times(p, c, serve)
	j.memory(c, env["GOMEMLIMIT"])
	if user := fmt.Sprintf("%d:%d", p.Security.User, p.Security.Group); user != j.user || !p.Security.NonRoot {
		j.complain("the pod runs as %s, and the image has user %s", user, j.user)
	}
}

// listens returns the port of an address that other pods reach.
func (j *judge) listens(name, addr string) int {
	host, port, err := net.SplitHostPort(addr)
	n, numeric := strconv.Atoi(port)
	if err != nil || numeric != nil || isLoopback(host) {
		j.complain("%s is %q, where no other pod reaches it", name, addr)
	}
	return n
}

// environment returns the environment of the process. The command has to read each variable, or a later variable has to refer to it.
func (j *judge) environment(c container) map[string]string {
	env, referred := map[string]string{}, map[string]bool{}
	for _, e := range slices.Backward(c.Env) {
		if !j.reads(e.Name) && !referred[e.Name] {
			j.complain("nothing reads %s", e.Name)
		}
		for part := range strings.SplitSeq(e.Value, "$(") {
			if name, _, ok := strings.Cut(part, ")"); ok {
				referred[name] = true
			}
		}
	}
	for _, e := range c.Env {
		value := e.Value
		if e.ValueFrom.Secret.Name != "" {
			value = secretValue(e.ValueFrom.Secret)
		}
		for name, known := range env {
			value = strings.ReplaceAll(value, "$("+name+")", known)
		}
		if strings.Contains(value, "$(") {
			j.complain("%s refers to a variable that is not before it", e.Name)
		}
		env[e.Name] = value
	}
	return env
}

// secretValue returns a value for a key of a Secret. It is long enough for a token.
func secretValue(s secretKey) string { return "value-of-" + s.Name + "." + s.Key }

// redis checks that REDIS_URL leads through a Service to a container, and has its password.
func (j *judge) redis(url string) {
	r, err := cli.ParseRedis(url)
	if err != nil {
		j.complain("%v", err)
		return
	}
	host, port, _ := net.SplitHostPort(r.Addr())
	for _, service := range j.named("Service", host) {
		for _, opened := range service.Spec.Ports {
			for _, to := range j.pods(service.Spec.Selector) {
				if strconv.Itoa(opened.Port) != port || to.Spec.Template.Spec.port(opened.TargetPort) == 0 {
					continue
				}
				for _, e := range to.Spec.Template.Spec.Containers[0].Env {
					if strings.Contains(url, ":"+secretValue(e.ValueFrom.Secret)+"@") {
						return
					}
				}
				j.complain("REDIS_URL has another password than the Redis behind Service %s", host)
				return
			}
		}
	}
	j.complain("REDIS_URL leads to %s, where no Service has a Redis", r.Addr())
}

// times checks that a replica has the time to end in order, and that the readiness probe fails before the replica refuses analyses.
func (j *judge) times(p pod, c container, serve *serveCmd) {
	sleep := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	if have, need := time.Duration(p.Seconds)*time.Second, sleep+serve.endsWithin()+reserve; have < need {
		j.complain("terminationGracePeriodSeconds is %v, and a replica may need %v, of which %v are a reserve", have, need, reserve)
	}
	if notices := time.Duration(c.Readiness.Period*c.Readiness.Failure) * time.Second; notices == 0 || notices > serve.Grace {
		j.complain("the readiness probe notices after %v that a replica is not ready, and the replica refuses analyses after %v", notices, serve.Grace)
	}
}

// memory checks that GOMEMLIMIT is at least the memory that a replica holds at most, and at most nine tenths of the container's limit: the Go runtime
// does not count all memory of the process.
func (j *judge) memory(c container, goLimit string) {
	const rest = 64 << 20 // of a replica without analyses
	limit, request, runtime := quantity(c.Resources.Limits["memory"]), quantity(c.Resources.Requests["memory"]), quantity(goLimit)
	if holds := int64(desk.DefaultBytes + gate.DefaultUploads + rest); runtime < holds {
		j.complain("GOMEMLIMIT is %d MiB, and a replica holds %d MiB at most", runtime>>20, holds>>20)
	}
	if runtime > limit/10*9 || request > limit || request == 0 {
		j.complain("memory: %d MiB are requested, GOMEMLIMIT is %d MiB and the limit %d MiB", request>>20, runtime>>20, limit>>20)
	}
}
