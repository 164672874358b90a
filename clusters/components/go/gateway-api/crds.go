// Package gatewayapi has the sum of the Gateway API's own module in go.sum: its CRDs are taken from that module.
package gatewayapi

import _ "sigs.k8s.io/gateway-api/pkg/consts"
