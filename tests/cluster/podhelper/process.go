package main

import (
	"context"
	"fmt"
	"log"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A container that is a real process: a program of this machine in a network
// namespace of its own, which has the pod's address and is reached as a pod is.
// It may bind every address and any port, and is alone there.
type process struct {
	who     string
	argv    []string
	link    string // our end of the pair
	address netip.Addr
	cancel  context.CancelFunc
	ended   chan struct{}
}

// Interface names have 15 bytes; twelve digits of the uid make them unique
// among all clusters of this machine.
func linkName(uid string) string {
	return "sp" + strings.ReplaceAll(uid, "-", "")[:12]
}

// Starts it and returns when the first start has succeeded or failed.
func startProcess(who, uid string, address netip.Addr, argv []string) (*process, error) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{
		who: who, argv: argv, link: linkName(uid), address: address,
		cancel: cancel, ended: make(chan struct{}),
	}
	first := make(chan error, 1)
	go p.run(ctx, first)
	if err := <-first; err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// The process dies with the thread that started it, so that thread stays.
func (p *process) run(ctx context.Context, first chan<- error) {
	runtime.LockOSThread()
	defer close(p.ended)
	for ctx.Err() == nil {
		command := exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
		command.Stdout, command.Stderr = os.Stderr, os.Stderr
		command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
		command.WaitDelay = 5 * time.Second
		command.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		err := command.Start()
		if err == nil {
			if err = p.connect(command.Process.Pid); err != nil {
				command.Process.Kill()
			}
		}
		if first != nil {
			first <- err
			first = nil
		}
		if command.Process != nil {
			command.Wait()
			log.Printf("%s: %s", p.who, command.ProcessState)
		}
		pause(ctx, retryAfter)
	}
}

// Joins the namespace of that process and this one.  The range of the pods is
// local here; one longer route leads to this pod.
func (p *process) connect(pid int) error {
	id, address := strconv.Itoa(pid), p.address.String()+"/32"
	inside := []string{"nsenter", "-t", id, "-n", "ip"}
	exec.Command("ip", "link", "del", p.link).Run() // of a process before this one
	for _, argv := range [][]string{
		{"ip", "link", "add", p.link, "type", "veth", "peer", "name", "eth0", "netns", id},
		{"ip", "link", "set", p.link, "up"},
		{"ip", "route", "add", address, "dev", p.link, "table", "local"},
		append(inside, "link", "set", "lo", "up"),
		append(inside, "link", "set", "eth0", "up"),
		append(inside, "address", "add", address, "dev", "eth0"),
		append(inside, "route", "add", "default", "dev", "eth0"),
	} {
		if output, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, output)
		}
	}
	return nil
}

// SIGTERM, SIGKILL 5 s later; returns when it has ended.
func (p *process) stop() {
	p.cancel()
	<-p.ended
}
