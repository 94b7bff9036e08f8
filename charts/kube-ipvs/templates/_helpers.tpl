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

{{- define "kube-ipvs.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* ADDRESS:PORT, an IPv6 address in brackets. */}}
{{- define "kube-ipvs.hostPort" -}}
{{- if contains ":" .address }}{{ printf "[%s]:%d" .address (int .port) }}{{ else }}{{ printf "%s:%d" .address (int .port) }}{{ end }}
{{- end }}

{{/* Where the kubelet, in the node's own network, reaches the health server. */}}
{{- define "kube-ipvs.probeHost" -}}
{{- get (dict "0.0.0.0" "127.0.0.1" "::" "::1") .Values.health.bindAddress | default .Values.health.bindAddress }}
{{- end }}

{{/*
The API server as a node reaches it before any Service works: the proxy cannot use the Service "kubernetes", which it makes.
kubeadm publishes the address for nodes that join.
*/}}
{{- define "kube-ipvs.apiServerUrl" -}}
{{- if .Values.apiServer.url }}
{{- .Values.apiServer.url }}
{{- else }}
{{- $info := lookup "v1" "ConfigMap" "kube-public" "cluster-info" | default dict }}
{{- $kubeconfig := dig "data" "kubeconfig" "" $info | fromYaml }}
{{- $clusters := get $kubeconfig "clusters" | default (list dict) }}
{{- dig "cluster" "server" "" (first $clusters) | required "apiServer.url is needed: the URL under which a node reaches the API server without a Service proxy, such as https://192.0.2.10:6443 (kubectl cluster-info shows one); this cluster has no ConfigMap cluster-info in kube-public that tells it" }}
{{- end }}
{{- end }}

{{- define "kube-ipvs.configuration" -}}
{{- $metricsAddress := ternary .Values.health.bindAddress "127.0.0.1" .Values.metrics.enabled }}
{{- $ours := dict
      "apiVersion" "kubeproxy.config.k8s.io/v1alpha1"
      "kind" "KubeProxyConfiguration"
      "mode" "ipvs"
      "healthzBindAddress" (include "kube-ipvs.hostPort" (dict "address" .Values.health.bindAddress "port" .Values.health.port))
      "metricsBindAddress" (include "kube-ipvs.hostPort" (dict "address" $metricsAddress "port" .Values.metrics.port)) }}
{{- $config := merge $ours (deepCopy .Values.config) }}
{{- $url := include "kube-ipvs.apiServerUrl" . }}
{{- if ne $url "in-cluster" }}
{{- $client := merge (dict "kubeconfig" "/etc/kube-ipvs/kubeconfig.yaml") (get $config "clientConnection" | default dict) }}
{{- $_ := set $config "clientConnection" $client }}
{{- end }}
{{- toYaml $config }}
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
      certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
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
