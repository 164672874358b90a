// Command acmesolver is cert-manager's answer to an HTTP-01 challenge. The released binary's own main is in a module that
// no module proxy has; what it serves is the same.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
)

func main() {
	answer := &solver.HTTP01Solver{}
	flag.IntVar(&answer.ListenPort, "listen-port", 8089, "port to listen on")
	flag.StringVar(&answer.Domain, "domain", "", "the domain that is validated")
	flag.StringVar(&answer.Token, "token", "", "the challenge's token")
	flag.StringVar(&answer.Key, "key", "", "the challenge's key")
	flag.Parse()
	logf.InitLogs()
	if err := answer.Listen(logf.Log); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
