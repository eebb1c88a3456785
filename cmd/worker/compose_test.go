package main

import (
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestCompose checks docker-compose.yml. Each service has bounds and an exact version, and its health check requests a path that answers. No port is
// open to other machines. The files of the profile "observability" exist. .ci/smoke.sh checks that compose accepts the file.
func TestCompose(t *testing.T) {
	var file struct {
		Services map[string]struct {
			Image       string
			Profiles    []string
			Ports       []string
			Volumes     []string
			Environment map[string]string
			Healthcheck struct{ Test []string }
			MemLimit    string `yaml:"mem_limit"`
			PidsLimit   int    `yaml:"pids_limit"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "../../docker-compose.yml")), &file); err != nil {
		t.Fatal(err)
	}
	replica, provider, reads := serve(t, nil), simulator(t, nil), variables(t)
	image := regexp.MustCompile(`^(?:\$\{REDIS_IMAGE:-)?[a-z/-]+:\d+\.\d+\.\d+(?:-[a-z]+)?\}?$`)
	for name, s := range file.Services {
		if s.MemLimit == "" || s.PidsLimit == 0 {
			t.Errorf("%s has no bound on memory or on processes", name)
		}
		if s.Image != "${WEIR_IMAGE:-weir:dev}" && !image.MatchString(s.Image) {
			t.Errorf("%s: %s is not an exact version", name, s.Image)
		}
		if s.Image == "${WEIR_IMAGE:-weir:dev}" {
			for name := range s.Environment {
				if !reads(name) {
					t.Errorf("nothing reads %s", name)
				}
			}
			asked, base := s.Healthcheck.Test[len(s.Healthcheck.Test)-1], map[string]string{"worker": replica.url, "upstream": provider}[name]
			u, err := url.Parse(asked)
			if err != nil || !slices.ContainsFunc(s.Ports, func(p string) bool { return strings.HasSuffix(p, ":"+u.Port()) }) {
				t.Errorf("%s: its health check requests %s, whose port is not one of its ports %v", name, asked, s.Ports)
				continue
			}
			if status, _ := get(t, base+u.Path); status != http.StatusOK {
				t.Errorf("%s: its health check requests %s, which answers %d", name, asked, status)
			}
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") && name != "worker" {
				t.Errorf("%s: port %s is open to other machines", name, port)
			}
			if strings.HasSuffix(port, ":"+adminPort) {
				t.Errorf("%s: the admin port is published as %s", name, port)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if !strings.HasPrefix(from, "./") {
				continue
			}
			if _, err := os.Stat("../../" + from); err != nil || !strings.HasSuffix(v, ":ro") {
				t.Errorf("%s: %s: %v", name, v, err)
			}
		}
	}
	if s := file.Services["observability"]; !slices.Contains(s.Profiles, "observability") || len(s.Volumes) < 4 {
		t.Errorf("the profile observability: %+v", s)
	}
	for name, s := range file.Services {
		if name != "observability" && len(s.Profiles) > 0 {
			t.Errorf("%s starts only with a profile", name)
		}
	}
	if at := file.Services["worker"].Environment["WEIR_ADMIN"]; !strings.HasSuffix(at, ":"+adminPort) || !strings.Contains(read(t, observability+"prometheus.yml"), "port: "+adminPort) {
		t.Errorf("replicas serve their metrics on %q, which Prometheus does not scrape", at)
	}
}
