{{/* A NetworkPolicy. Takes a dictionary: context, component, and the lists of rules `ingress` and `egress` as YAML. */}}
{{- define "housing-price.network.policy" -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "housing-price.metadata" (list .context .component) | nindent 2 }}
  {{- if eq .component "migration" }}
  {{- include "housing-price.hook.before" .context | nindent 2 }}
  {{- end }}
spec:
  podSelector:
    matchLabels:
      {{- include "housing-price.selector" (list .context .component) | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- if .ingress }}
  ingress:
    {{- .ingress | trim | nindent 4 }}
  {{- else }}
  ingress: []
  {{- end }}
  {{- if .egress }}
  egress:
    {{- .egress | trim | nindent 4 }}
  {{- else }}
  egress: []
  {{- end }}
{{ end }}

{{/* A rule for components of this release. Takes a dictionary: context, direction (from, to), components, ports. */}}
{{- define "housing-price.network.between" }}
- {{ .direction }}:
    {{- range .components }}
    - podSelector:
        matchLabels:
          {{- include "housing-price.selector" (list $.context .) | nindent 10 }}
    {{- end }}
  ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* A rule for the peers of the values. Takes a dictionary: direction, peers, default (for no peers), ports. */}}
{{- define "housing-price.network.peers" }}
- {{ .direction }}:
    {{- toYaml (.peers | default .default) | nindent 4 }}
  ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* A rule to a destination of the values. */}}
{{- define "housing-price.network.to" }}
- ports:
    {{- range .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "housing-price.network.dns" }}
- ports:
    {{- range .Values.network.dns.ports }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .Values.network.dns.to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "housing-price.network.toTracking" }}
{{- if .Values.tracking.enabled }}
{{- include "housing-price.network.between" (dict "context" . "direction" "to" "components" (list "tracking-server") "ports" (list 9999)) }}
{{- else }}
{{- include "housing-price.network.to" .Values.network.externalTracking }}
{{- end }}
{{- end }}

{{/* The pods of all price servers. */}}
{{- define "housing-price.network.priceServers" -}}
{{- $servers := list "price-server" -}}
{{- range .Values.price.versions }}{{ $servers = append $servers (printf "price-server-v%s" .version) }}{{ end -}}
{{ $servers | toJson }}
{{- end }}
