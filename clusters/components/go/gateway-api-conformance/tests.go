// Package gatewayapi names what the Gateway API's own conformance tests are built from, for go.mod and go.sum.
package gatewayapi

import _ "sigs.k8s.io/gateway-api/conformance"
