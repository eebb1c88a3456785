package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// object holds the fields of a Kubernetes object of any kind that the rules of [complaints] read.
type object struct {
	Kind     string
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	Spec struct {
		Selector    selector
		ServiceName string `yaml:"serviceName"`
		Template    struct {
			Metadata struct{ Labels, Annotations map[string]string }
			Spec     pod
		}
		Ports []struct {
			Port       int
			TargetPort string `yaml:"targetPort"`
		}
		PodSelector     selector `yaml:"podSelector"`
		Ingress, Egress []struct {
			From, To []struct {
				PodSelector selector `yaml:"podSelector"`
			}
			Ports []struct{ Port string }
		}
	}
}

// selector is the labels that a Service selects, or the matchLabels of other kinds. It is nil if the object has none.
type selector map[string]string

// UnmarshalYAML parses both forms.
func (s *selector) UnmarshalYAML(node *yaml.Node) error {
	var full struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	if err := node.Decode(&full); err == nil && full.MatchLabels != nil {
		*s = full.MatchLabels
		return nil
	}
	return node.Decode((*map[string]string)(s))
}

func (s selector) selects(labels map[string]string) bool {
	for name, value := range s {
		if labels[name] != value {
			return false
		}
	}
	return len(s) > 0
}

type pod struct {
	Seconds  int `yaml:"terminationGracePeriodSeconds"`
	Security struct {
		NonRoot bool `yaml:"runAsNonRoot"`
		User    int  `yaml:"runAsUser"`
		Group   int  `yaml:"runAsGroup"`
	} `yaml:"securityContext"`
	Containers []container
}

type secretKey struct{ Name, Key string }

type container struct {
	Image string
	Args  []string
	Env   []struct {
		Name, Value string
		ValueFrom   struct {
			Secret secretKey `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	}
	EnvFrom []struct {
		Secret struct{ Name string } `yaml:"secretRef"`
	} `yaml:"envFrom"`
	Ports []struct {
		Name   string
		Number int `yaml:"containerPort"`
	}
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Lifecycle struct {
		PreStop struct {
			Sleep struct{ Seconds int }
		} `yaml:"preStop"`
	}
	Resources struct{ Requests, Limits map[string]string }
}

type probe struct {
	Get     struct{ Path, Port string } `yaml:"httpGet"`
	Socket  struct{ Port string }       `yaml:"tcpSocket"`
	Period  int                         `yaml:"periodSeconds"`
	Failure int                         `yaml:"failureThreshold"`
}

// port returns the number of a port by its name or its number, or 0 if no container has the port.
func (p pod) port(wanted string) int {
	for _, c := range p.Containers {
		for _, port := range c.Ports {
			if port.Name == wanted || strconv.Itoa(port.Number) == wanted {
				return port.Number
			}
		}
	}
	return 0
}

// readObjects parses files with one or more documents each.
func readObjects(files map[string]string) (all []object, err error) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for in := yaml.NewDecoder(strings.NewReader(files[name])); ; {
			var o object
			err := in.Decode(&o)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, o)
		}
	}
	return all, nil
}

// quantity parses a number of bytes in the form of Kubernetes, "256Mi", or of Go's runtime, "200MiB". It returns 0 for other texts.
func quantity(text string) int64 {
	number, ok := strings.CutSuffix(strings.TrimSuffix(text, "B"), "Mi")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return 0
	}
	return n << 20
}
