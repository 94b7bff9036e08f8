{{- define "kube-ipvs.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "kube-ipvs.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "kube-ipvs.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "kube-ipvs.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "kube-ipvs.selectorLabels" -}}
app.kubernetes.io/name: {{ include "kube-ipvs.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kube-ipvs.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "kube-ipvs.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/component: service-proxy
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "kube-ipvs.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "kube-ipvs.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* A name begins with a registry where its first part has a dot, a colon or is localhost; global.imageRegistry takes that part's place. */}}
{{- define "kube-ipvs.image" -}}
{{- $repository := .Values.image.repository }}
{{- with .Values.global.imageRegistry }}
{{- $parts := splitList "/" $repository }}
{{- if and (gt (len $parts) 1) (regexMatch "[.:]|^localhost$" (first $parts)) }}
{{- $parts = rest $parts }}
{{- end }}
{{- $repository = prepend $parts . | join "/" }}
{{- end }}
{{- if .Values.image.digest -}}
{{ $repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ $repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- define "kube-ipvs.imagePullSecrets" -}}
{{- $all := list }}
{{- range concat (.Values.global.imagePullSecrets | default list) .Values.imagePullSecrets }}
{{- $all = append $all (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- with uniq $all }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* ADDRESS:PORT, an IPv6 address in brackets. */}}
{{- define "kube-ipvs.hostPort" -}}
{{- if contains ":" .address }}{{ printf "[%s]:%d" .address (int .port) }}{{ else }}{{ printf "%s:%d" .address (int .port) }}{{ end }}
{{- end }}

{{/* Where the kubelet, in the node's own network, reaches the health server. */}}
{{- define "kube-ipvs.probeHost" -}}
{{- get (dict "0.0.0.0" "127.0.0.1" "::" "::1") .Values.health.bindAddress | default .Values.health.bindAddress }}
{{- end }}

{{/* For the notes: what a person puts into a URL. */}}
{{- define "kube-ipvs.metricsHost" -}}
{{- if regexMatch "^(0[.]0[.]0[.]0|::)$" .Values.metrics.bindAddress }}NODE
{{- else if contains ":" .Values.metrics.bindAddress }}[{{ .Values.metrics.bindAddress }}]
{{- else }}{{ .Values.metrics.bindAddress }}
{{- end }}
{{- end }}

{{/* Whether only programs of the node itself reach this address. */}}
{{- define "kube-ipvs.isLoopback" -}}
{{- if regexMatch "^(127[.]|::1$)" . }}true{{ end }}
{{- end }}

{{/*
The API server as a node reaches it before any Service works: the proxy cannot use the Service "kubernetes", which it makes.
kubeadm publishes the address for nodes that join. Empty where neither tells it; kube-ipvs.check says so, once.
*/}}
{{- define "kube-ipvs.apiServerUrl" -}}
{{- if .Values.apiServer.url }}
{{- .Values.apiServer.url }}
{{- else }}
{{- $info := lookup "v1" "ConfigMap" "kube-public" "cluster-info" | default dict }}
{{- $kubeconfig := dig "data" "kubeconfig" "" $info | fromYaml }}
{{- $clusters := get $kubeconfig "clusters" | default (list dict) }}
{{- dig "cluster" "server" "" (first $clusters) }}
{{- end }}
{{- end }}

{{/* What no schema can say. Included in one place, so that helm says it once. */}}
{{- define "kube-ipvs.check" -}}
{{- if not (include "kube-ipvs.apiServerUrl" .) }}
{{- $why := "no cluster was asked for it (helm template, helm lint and most GitOps tools ask none)" }}
{{- if lookup "v1" "Namespace" "" "default" }}
{{- $why = "this cluster has no ConfigMap cluster-info in kube-public that tells it (kubeadm makes one)" }}
{{- end }}
{{- fail (printf "apiServer.url is needed: the URL under which a node reaches the API server without a Service proxy, such as https://192.0.2.10:6443 (kubectl cluster-info shows one); %s" $why) }}
{{- end }}
{{- if and (eq .Values.apiServer.url "in-cluster") (or .Values.apiServer.caCert .Values.apiServer.tlsServerName .Values.apiServer.proxyUrl) }}
{{- fail "apiServer.caCert, tlsServerName and proxyUrl go with the URL of an API server, not with apiServer.url=in-cluster" }}
{{- end }}
{{- if hasKey .Values.features "LoadBalancerConfiguration" }}
{{- fail "features.LoadBalancerConfiguration: give it as loadBalancer.config with loadBalancer.enabled=true, which brings the rights and the Secret that it needs" }}
{{- end }}
{{- if and (not .Values.loadBalancer.enabled) .Values.loadBalancer.config }}
{{- fail "loadBalancer.config is of no use without loadBalancer.enabled=true" }}
{{- end }}
{{- if and .Values.metrics.serviceMonitor.enabled (include "kube-ipvs.isLoopback" .Values.metrics.bindAddress) }}
{{- fail (printf "metrics.serviceMonitor.enabled needs a metrics.bindAddress that Prometheus reaches, such as 0.0.0.0; %s is the node's own" .Values.metrics.bindAddress) }}
{{- end }}
{{- end }}

{{- define "kube-ipvs.configuration" -}}
{{- $ours := dict
      "apiVersion" "kubeproxy.config.k8s.io/v1alpha1"
      "kind" "KubeProxyConfiguration"
      "mode" "ipvs"
      "healthzBindAddress" (include "kube-ipvs.hostPort" (dict "address" .Values.health.bindAddress "port" .Values.health.port))
      "metricsBindAddress" (include "kube-ipvs.hostPort" (dict "address" .Values.metrics.bindAddress "port" .Values.metrics.port)) }}
{{- $config := merge $ours (deepCopy .Values.config) }}
{{- $url := include "kube-ipvs.apiServerUrl" . }}
{{- if ne $url "in-cluster" }}
{{- $client := merge (dict "kubeconfig" "/etc/kube-ipvs/kubeconfig.yaml") (get $config "clientConnection" | default dict) }}
{{- $_ := set $config "clientConnection" $client }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* Documents of ours; empty where there are none. */}}
{{- define "kube-ipvs.features" -}}
{{- $documents := list }}
{{- range $kind, $fields := .Values.features }}
{{- $document := merge (dict "apiVersion" "kube-ipvs.io/v1alpha1" "kind" $kind) (deepCopy ($fields | default dict)) }}
{{- $documents = append $documents (toYaml $document) }}
{{- end }}
{{- join "\n---\n" $documents }}
{{- end }}

{{/* The document of the load balancer; empty where it is off. */}}
{{- define "kube-ipvs.loadBalancer" -}}
{{- if .Values.loadBalancer.enabled }}
{{- toYaml (merge (dict "apiVersion" "kube-ipvs.io/v1alpha1" "kind" "LoadBalancerConfiguration") (deepCopy .Values.loadBalancer.config)) }}
{{- end }}
{{- end }}

{{/* Whether labels of Namespaces decide who may use a pool. */}}
{{- define "kube-ipvs.readsNamespaces" -}}
{{- range .Values.loadBalancer.config.pools }}
{{- if and (hasKey . "namespaceSelectors") (not (kindIs "invalid" .namespaceSelectors)) }}true{{ end }}
{{- end }}
{{- end }}

{{- define "kube-ipvs.heartbeatPort" -}}
{{- dig "announcer" "heartbeat" "port" 10260 .Values.loadBalancer.config }}
{{- end }}

{{- define "kube-ipvs.loadBalancerSecret" -}}
{{- .Values.loadBalancer.existingSecret | default (printf "%s-lb" (include "kube-ipvs.fullname" .)) }}
{{- end }}

{{- define "kube-ipvs.kubeconfig" -}}
apiVersion: v1
kind: Config
current-context: default
contexts:
  - name: default
    context:
      cluster: default
      user: default
clusters:
  - name: default
    cluster:
      server: {{ include "kube-ipvs.apiServerUrl" . }}
      {{- if .Values.apiServer.caCert }}
      certificate-authority-data: {{ .Values.apiServer.caCert | b64enc }}
      {{- else }}
      certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
      {{- end }}
      {{- with .Values.apiServer.tlsServerName }}
      tls-server-name: {{ . | quote }}
      {{- end }}
      {{- with .Values.apiServer.proxyUrl }}
      proxy-url: {{ . | quote }}
      {{- end }}
users:
  - name: default
    user:
      tokenFile: /var/run/secrets/kubernetes.io/serviceaccount/token
{{- end }}

{{- define "kube-ipvs.probe" -}}
httpGet:
  host: {{ include "kube-ipvs.probeHost" .root | quote }}
  path: {{ .path }}
  port: healthz
{{- end }}

{{/* Arguments and environment of both containers: what decides about a sysctl must be the same in both. */}}
{{- define "kube-ipvs.args" -}}
- --config=/etc/kube-ipvs/config.yaml
- --hostname-override=$(NODE_NAME)
{{- if .Values.features }}
- --features=/etc/kube-ipvs/features.yaml
{{- end }}
{{- if .Values.loadBalancer.enabled }}
- --features=/etc/kube-ipvs/load-balancer.yaml
{{- end }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end }}

{{/* By subPath, which keeps a pod's configuration until the pod is replaced: otherwise all nodes would restart at once. */}}
{{- define "kube-ipvs.configMounts" -}}
- name: config
  mountPath: /etc/kube-ipvs/config.yaml
  subPath: config.yaml
  readOnly: true
{{- if .Values.features }}
- name: config
  mountPath: /etc/kube-ipvs/features.yaml
  subPath: features.yaml
  readOnly: true
{{- end }}
{{- if .Values.loadBalancer.enabled }}
- name: config
  mountPath: /etc/kube-ipvs/load-balancer.yaml
  subPath: load-balancer.yaml
  readOnly: true
{{- end }}
{{- end }}

{{- define "kube-ipvs.env" -}}
- name: NODE_NAME
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A privileged container may gain privileges, and the API server refuses the contrary. */}}
{{- define "kube-ipvs.securityContext" -}}
{{- $all := mergeOverwrite .default (deepCopy .values) }}
{{- if $all.privileged }}
{{- $all = omit $all "allowPrivilegeEscalation" }}
{{- end }}
{{- toYaml $all }}
{{- end }}
