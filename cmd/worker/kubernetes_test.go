package main

import (
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

const kubernetes = "../../deploy/kubernetes/"

// manifests returns the files that kustomization.yaml names. These have to be all manifests of the folder.
func manifests(t *testing.T) map[string]string {
	t.Helper()
	var list struct{ Resources []string }
	if err := yaml.Unmarshal([]byte(read(t, kubernetes+"kustomization.yaml")), &list); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range list.Resources {
		files[name] = read(t, kubernetes+name)
	}
	have, err := filepath.Glob(kubernetes + "*.yaml")
	if err != nil || len(have) != len(files)+1 {
		t.Errorf("%v, and kustomization.yaml names %v: %v", have, list.Resources, err)
	}
	return files
}

// theFacts returns the facts. It starts a replica, which runs until the test ends.
func theFacts(t *testing.T) facts {
	t.Helper()
	s := serve(t, map[string]string{tokenVariable: "a-token-that-no-probe-has"})
	user := regexp.MustCompile(`(?m)^USER (\S+)$`).FindStringSubmatch(read(t, "../../Dockerfile"))
	if user == nil {
		t.Fatal("the Dockerfile has no USER")
	}
	return facts{
		reads: variables(t), user: user[1], secrets: secretsOf(read(t, kubernetes+"README.md")),
		status: func(admin bool, path string) int {
			url := s.url
			if admin {
				url = s.admin
			}
			status, _ := get(t, url+path)
			return status
		},
	}
}

// parsing returns [facts.parse] for one test. It changes the environment of the test.
func parsing(t *testing.T) func(args []string, env map[string]string) (*serveCmd, error) {
	t.Helper()
	return func(args []string, env map[string]string) (*serveCmd, error) {
		clean(t, env)
		var g grammar
		p, err := kong.New(&g)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Parse(args)
		return &g.Serve, err
	}
}

// secretsOf returns the Secrets that the commands kubectl create in a text make, with their keys.
func secretsOf(text string) map[string][]string {
	all := map[string][]string{}
	key := regexp.MustCompile(`--from-literal=([^=\s]+)=`)
	for _, made := range regexp.MustCompile(`(?m)kubectl create secret generic (\S+) (.*)$`).FindAllStringSubmatch(text, -1) {
		all[made[1]] = nil
		for _, k := range key.FindAllStringSubmatch(made[2], -1) {
			all[made[1]] = append(all[made[1]], k[1])
		}
	}
	return all
}

// TestKubernetes checks that the manifests agree with the code, with each other and with the README of their folder, both as files and as kubectl
// renders them.
func TestKubernetes(t *testing.T) {
	f := theFacts(t)
	f.parse = parsing(t)
	t.Run("files", func(t *testing.T) {
		objects, err := readObjects(manifests(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range complaints(objects, f) {
			t.Error(c)
		}
		text, known := read(t, kubernetes+"README.md"), read(t, observability+"rules.yml")+read(t, observability+"dashboard.json")
		for _, metric := range regexp.MustCompile(`weir_[a-z_]+`).FindAllString(text, -1) {
			if !strings.Contains(known, metric) {
				t.Errorf("README.md names the metric %s, which neither an alert nor the dashboard has", metric)
			}
		}
		for _, name := range regexp.MustCompile("`([A-Z][A-Z_]+[A-Z])[=`]").FindAllStringSubmatch(text, -1) {
			if !f.reads(name[1]) {
				t.Errorf("README.md names %s, which nothing reads", name[1])
			}
		}
	})
	t.Run("rendered", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), installed(t, "kubectl", "kubernetes-client"), "kustomize", filepath.Clean(kubernetes)).Output() //nolint:gosec // fixed
		if err != nil {
			t.Fatalf("kubectl kustomize: %v", err)
		}
		objects, err := readObjects(map[string]string{"rendered": string(out)})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range complaints(objects, f) {
			t.Error(c)
		}
		var kinds []string
		exact := regexp.MustCompile(`^[a-z/.-]+:(dev|\d+\.\d+\.\d+(-[a-z]+)?)$`)
		for _, o := range objects {
			kinds = append(kinds, o.Kind)
			for _, c := range o.Spec.Template.Spec.Containers {
				if !exact.MatchString(c.Image) {
					t.Errorf("%s: image %s", o.Metadata.Name, c.Image)
				}
			}
		}
		slices.Sort(kinds)
		if got, want := strings.Join(kinds, " "), "Deployment NetworkPolicy NetworkPolicy PodDisruptionBudget Service Service StatefulSet"; got != want {
			t.Errorf("rendered: %s, want %s", got, want)
		}
		t.Logf("%d objects: %s", len(kinds), strings.Join(kinds, " "))
	})
}

// TestKubernetesComplaints makes one mistake at a time in the manifests and checks that [complaints] reports it.
func TestKubernetesComplaints(t *testing.T) {
	whole, f := manifests(t), theFacts(t)
	for _, row := range []struct{ file, old, with, want string }{
		{"worker.yaml", `":8080"]`, `":8081"]`, "listens on port 8081, which is no containerPort"},
		{"worker.yaml", `":8080"]`, `"127.0.0.1:8080"]`, "where no other pod reaches it"},
		{"worker.yaml", `"0.0.0.0:9464"`, `"0.0.0.0:9465"`, "listens on port 9465, which is no containerPort"},
		{"worker.yaml", `"0.0.0.0:9464"`, `"127.0.0.1:9464"`, `WEIR_ADMIN is "127.0.0.1:9464", where no other pod reaches it`},
		{"worker.yaml", "containerPort: 9464", "containerPort: 9465", "the command does not listen on containerPort 9465"},
		{"worker.yaml", `value: "8080"`, `value: "80"`, "PORT is 80, for worker healthcheck"},
		{"worker.yaml", `"serve", "--addr"`, `"serve", "--address"`, "refuses its arguments or its environment"},
		{"worker.yaml", "value: 20s", "value: 20", "refuses its arguments or its environment"},
		{"worker.yaml", "WEIR_DRAIN", "WEIR_DRAINS", "nothing reads WEIR_DRAINS"},
		{"worker.yaml", "OTEL_METRICS_EXPORTER", "OTEL_METRIC_EXPORTER", "nothing reads OTEL_METRIC_EXPORTER"},
		{"worker.yaml", "$(REDIS_PASSWORD)", "$(REDIS_PASS)", "REDIS_URL refers to a variable that is not before it"},
		{"worker.yaml", "WEIR_TOKEN #", "WEIR_NAMESPACE #", "WEIR_TOKEN is not set"},
		{"worker.yaml", "targetPort: http", "targetPort: web", "Service weir leads to port web"},
		{"worker.yaml", "  selector: {app.kubernetes.io/name: weir}", "  selector: {app: weir}", "Service weir selects the pods of 0 workloads"},
		{"worker.yaml", "maxUnavailable: 1\n  selector:\n    matchLabels: {app.kubernetes.io/name: weir}", "maxUnavailable: 1\n  selector:\n    matchLabels: {app: weir}", "PodDisruptionBudget weir selects no pod"},
		{"worker.yaml", "matchLabels: {app.kubernetes.io/name: weir}\n  strategy", "matchLabels: {app: weir}\n  strategy", "Deployment weir does not select its own pods"},
		{"worker.yaml", "path: /livez", "path: /healthz", `the liveness probe asks for "/healthz", and a replica that is ready answers 4`},
		{"worker.yaml", "path: /readyz, port: http", "path: /readyz, port: metrics", `the readiness probe asks for "/readyz", and a replica that is ready answers 404`},
		{"worker.yaml", "path: /readyz, port: http", "path: /readyz, port: web", "a probe asks port web"},
		{"worker.yaml", "      labels: {app.kubernetes.io/name: weir}\n    spec:", "      labels: {app.kubernetes.io/name: weir}\n      annotations: {prometheus.io/port: \"8080\"}\n    spec:", "Prometheus is sent to port 8080 and path /metrics"},
		{"worker.yaml", "      labels: {app.kubernetes.io/name: weir}\n    spec:", "      labels: {app.kubernetes.io/name: weir}\n      annotations: {prometheus.io/port: \"9464\", prometheus.io/path: /metric}\n    spec:", "path /metric, which do not have the metrics"},
		{"worker.yaml", "Seconds: 50", "Seconds: 48", "terminationGracePeriodSeconds is 48s, and a replica may need 49s"},
		{"worker.yaml", "          resources:", "          lifecycle: {preStop: {sleep: {seconds: 5}}}\n          resources:", "a replica may need 54s"},
		{"worker.yaml", "value: 5s", "value: 3s", "notices after 4s that a replica is not ready, and the replica refuses analyses after 3s"},
		{"worker.yaml", "failureThreshold: 2", "failureThreshold: 3", "notices after 6s"},
		{"worker.yaml", "limits: {memory: 512Mi}", "limits: {memory: 400Mi}", "GOMEMLIMIT is 400 MiB and the limit 400 MiB"},
		{"worker.yaml", "value: 400MiB", "value: 200MiB", "GOMEMLIMIT is 200 MiB, and a replica holds 344 MiB at most"},
		{"worker.yaml", "value: 400MiB", "value: 400M", "GOMEMLIMIT is 0 MiB"},
		{"worker.yaml", "runAsUser: 65532", "runAsUser: 1000", "the pod runs as 1000:65532, and the image has user 65532:65532"},
		{"worker.yaml", "image: weir", "image: wier", "0 containers have the image weir"},
		{"worker.yaml", "{name: weir, key: redis-password}", "{name: weir, key: password}", "REDIS_PASSWORD comes from key password of Secret weir"},
		{"worker.yaml", "{name: weir, key: redis-password}", "{name: weir, key: token}", "REDIS_URL has another password"},
		{"worker.yaml", "@weir-redis:6379", "@redis:6379", "REDIS_URL leads to redis:6379"},
		{"worker.yaml", "@weir-redis:6379", "@weir-redis:6380", "REDIS_URL leads to weir-redis:6380"},
		{"worker.yaml", "name: weir-providers}", "name: providers}", "no Secret providers made from a file"},
		{"worker.yaml", "name: weir-providers}", "name: providers}", "the README makes Secret weir-providers, which nothing uses"},
		{"redis.yaml", "{name: weir, key: redis-password}", "{name: weir-redis, key: redis-password}", "REDISCLI_AUTH comes from key redis-password of Secret weir-redis"},
		{"redis.yaml", "{name: weir, key: redis-password}", "{name: weir, key: token}", "REDIS_URL has another password"},
		{"redis.yaml", "serviceName: weir-redis", "serviceName: redis", "StatefulSet weir-redis: no Service redis"},
		{"redis.yaml", "containerPort: 6379", "containerPort: 6380", "NetworkPolicy weir-redis opens port 6379, which no container has"},
		{"redis.yaml", "tcpSocket: {port: redis}", "tcpSocket: {port: tcp}", "a probe asks port tcp"},
		{"network.yaml", "port: 8080", "port: 80", "NetworkPolicy weir opens port 80"},
		{"network.yaml", "port: 9464", "port: 9465", "weir: no NetworkPolicy opens port 9464"},
		{"network.yaml", "matchLabels: {app.kubernetes.io/name: weir}\n  policyTypes", "matchLabels: {app: weir}\n  policyTypes", "NetworkPolicy weir selects the pods of 0 workloads"},
		{"network.yaml", "matchLabels: {app.kubernetes.io/name: weir}\n      ports:\n        - {port: 6379", "matchLabels: {app: weir}\n      ports:\n        - {port: 6379", "whose policy does not accept them"},
		{"network.yaml", "kind: NetworkPolicy\nmetadata:\n  name: weir-redis", "kind: Ingress\nmetadata:\n  name: weir-redis", "Ingress weir-redis: no rule reads this kind"},
	} {
		t.Run(row.want, func(t *testing.T) {
			files := maps.Clone(whole)
			if strings.Count(files[row.file], row.old) == 0 {
				t.Fatalf("%s has no %q", row.file, row.old)
			}
			files[row.file] = strings.Replace(files[row.file], row.old, row.with, 1)
			objects, err := readObjects(files)
			if err != nil {
				t.Fatal(err)
			}
			g := f
			g.parse = parsing(t)
			got := complaints(objects, g)
			t.Logf("%q → %q: %s", row.old, row.with, strings.Join(got, "; "))
			if !strings.Contains(strings.Join(got, "\n"), row.want) {
				t.Errorf("complaints %q, want %q", got, row.want)
			}
		})
	}
}
