// Package e2e names what Kubernetes' own end-to-end tests are built from, for go.mod and go.sum.
package e2e

import _ "k8s.io/kubernetes/test/e2e"
