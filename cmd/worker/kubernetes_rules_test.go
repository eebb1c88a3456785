package main

import (
	"fmt"
	"slices"
	"strings"
)

// facts are properties of the code, the Dockerfile and the README of the folder, with which [complaints] compares manifests.
type facts struct {
	parse   func(args []string, env map[string]string) (*serveCmd, error)
	reads   func(variable string) bool
	status  func(admin bool, path string) int // of a ready replica
	secrets map[string][]string               // the keys of each Secret; nil if they come from a file
	user    string                            // "UID:GID"
}

// judge collects the mistakes in manifests.
type judge struct {
	facts

	objects []object
	wrong   []string
}

// complaints returns the mistakes in manifests.
func complaints(objects []object, f facts) []string {
	j := &judge{facts: f, objects: objects}
	used, replicas := map[string]bool{}, 0
	for _, o := range objects {
		switch o.Kind {
		case "Deployment", "StatefulSet":
			j.workload(o, used)
			for _, c := range o.Spec.Template.Spec.Containers {
				if image, _, _ := strings.Cut(c.Image, ":"); image == "weir" {
					replicas++
					j.replica(o, c)
				}
			}
		case "Service":
			j.service(o)
		case "NetworkPolicy":
			j.policy(o)
		case "PodDisruptionBudget":
			if len(j.pods(o.Spec.Selector)) == 0 {
				j.complain("PodDisruptionBudget %s selects no pod", o.Metadata.Name)
			}
		default:
			j.complain("%s %s: no rule reads this kind", o.Kind, o.Metadata.Name)
		}
	}
	if replicas != 1 {
		j.complain("%d containers have the image weir, want 1", replicas)
	}
	for name := range f.secrets {
		if !used[name] {
			j.complain("the README makes Secret %s, which nothing uses", name)
		}
	}
	return j.wrong
}

func (j *judge) complain(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// pods returns the workloads whose pods a selector selects.
func (j *judge) pods(s selector) (selected []object) {
	for _, o := range j.objects {
		if s.selects(o.Spec.Template.Metadata.Labels) {
			selected = append(selected, o)
		}
	}
	return selected
}

// named returns the objects of a kind with a name.
func (j *judge) named(kind, name string) []object {
	return slices.DeleteFunc(slices.Clone(j.objects), func(o object) bool { return o.Kind != kind || o.Metadata.Name != name })
}

// workload checks a workload: it selects its own pods, a policy opens each port, and its Secrets exist.
func (j *judge) workload(o object, used map[string]bool) {
	labels, p := o.Spec.Template.Metadata.Labels, o.Spec.Template.Spec
	if !o.Spec.Selector.selects(labels) {
		j.complain("%s %s does not select its own pods", o.Kind, o.Metadata.Name)
	}
	if o.Kind == "StatefulSet" && len(j.named("Service", o.Spec.ServiceName)) == 0 {
		j.complain("StatefulSet %s: no Service %s", o.Metadata.Name, o.Spec.ServiceName)
	}
	reached := map[int]bool{}
	for _, policy := range j.objects {
		if policy.Kind == "NetworkPolicy" && policy.Spec.PodSelector.selects(labels) {
			for _, rule := range policy.Spec.Ingress {
				for _, port := range rule.Ports {
					reached[p.port(port.Port)] = true
				}
			}
		}
	}
	for _, c := range p.Containers {
		for _, port := range c.Ports {
			if !reached[port.Number] {
				j.complain("%s: no NetworkPolicy opens port %d", o.Metadata.Name, port.Number)
			}
		}
		for _, from := range []probe{c.Liveness, c.Readiness} {
			if wanted := from.Get.Port + from.Socket.Port; wanted != "" && p.port(wanted) == 0 {
				j.complain("%s: a probe asks port %s, which no container has", o.Metadata.Name, wanted)
			}
		}
		for _, e := range c.Env {
			if secret := e.ValueFrom.Secret; secret.Name != "" {
				used[secret.Name] = true
				if !slices.Contains(j.secrets[secret.Name], secret.Key) {
					j.complain("%s: %s comes from key %s of Secret %s, which the README does not make", o.Metadata.Name, e.Name, secret.Key, secret.Name)
				}
			}
		}
		for _, e := range c.EnvFrom {
			used[e.Secret.Name] = true
			if keys, ok := j.secrets[e.Secret.Name]; !ok || keys != nil {
				j.complain("%s: the README has no Secret %s made from a file", o.Metadata.Name, e.Secret.Name)
			}
		}
	}
}

// service checks that a Service leads to a port of pods.
func (j *judge) service(o object) {
	pods := j.pods(o.Spec.Selector)
	if len(pods) != 1 {
		j.complain("Service %s selects the pods of %d workloads", o.Metadata.Name, len(pods))
		return
	}
	for _, port := range o.Spec.Ports {
		if pods[0].Spec.Template.Spec.port(port.TargetPort) == 0 {
			j.complain("Service %s leads to port %s, which no container has", o.Metadata.Name, port.TargetPort)
		}
	}
}

// policy checks that each port that a policy opens is a port of its pods, and that the pods to which it allows connections accept them.
func (j *judge) policy(o object) {
	pods := j.pods(o.Spec.PodSelector)
	if len(pods) != 1 {
		j.complain("NetworkPolicy %s selects the pods of %d workloads", o.Metadata.Name, len(pods))
		return
	}
	for _, rule := range o.Spec.Ingress {
		for _, port := range rule.Ports {
			if pods[0].Spec.Template.Spec.port(port.Port) == 0 {
				j.complain("NetworkPolicy %s opens port %s, which no container has", o.Metadata.Name, port.Port)
			}
		}
	}
	for _, rule := range o.Spec.Egress {
		for _, to := range rule.To {
			if to.PodSelector == nil {
				continue // pods that are not in this folder
			}
			for _, port := range rule.Ports {
				if !j.letsIn(to.PodSelector, pods[0].Spec.Template.Metadata.Labels, port.Port) {
					j.complain("NetworkPolicy %s allows connections to port %s of %v, whose policy does not accept them", o.Metadata.Name, port.Port, map[string]string(to.PodSelector))
				}
			}
		}
	}
}

// letsIn reports whether a policy of the selected pods opens the port to pods with the labels.
func (j *judge) letsIn(to selector, from map[string]string, wanted string) bool {
	for _, pods := range j.pods(to) {
		port := pods.Spec.Template.Spec.port(wanted)
		for _, policy := range j.objects {
			if port == 0 || policy.Kind != "NetworkPolicy" || !policy.Spec.PodSelector.selects(pods.Spec.Template.Metadata.Labels) {
				continue
			}
			for _, rule := range policy.Spec.Ingress {
				for _, source := range rule.From {
					for _, open := range rule.Ports {
						if source.PodSelector.selects(from) && pods.Spec.Template.Spec.port(open.Port) == port {
							return true
						}
					}
				}
			}
		}
	}
	return false
}
