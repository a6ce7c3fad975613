package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"

	"kubetalk.dev/sandbox/internal/supervisor"
)

func runEtcd() int {
	supervisor.ShrinkWAL()
	etcdmain.Main(os.Args)
	return 0
}
