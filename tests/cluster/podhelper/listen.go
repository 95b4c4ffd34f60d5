package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// The servers of one pod, or of the echo command.  net/http forgets connections
// that became WebSockets, so every connection is kept here as well: a dead
// process holds none.
type listenerSet struct {
	servers     []*http.Server
	lock        sync.Mutex
	connections map[*trackedConn]struct{}
}

type trackedConn struct {
	*net.TCPConn
	set *listenerSet
}

func (c *trackedConn) Close() error {
	c.set.lock.Lock()
	delete(c.set.connections, c)
	c.set.lock.Unlock()
	return c.TCPConn.Close()
}

type trackingListener struct {
	*net.TCPListener
	set *listenerSet
}

func (l *trackingListener) Accept() (net.Conn, error) {
	connection, err := l.AcceptTCP()
	if err != nil {
		return nil, err
	}
	tracked := &trackedConn{connection, l.set}
	l.set.lock.Lock()
	defer l.set.lock.Unlock()
	if l.set.connections == nil {
		l.set.connections = map[*trackedConn]struct{}{}
	}
	l.set.connections[tracked] = struct{}{}
	return tracked, nil
}

// Unlike IPv4, IPv6 lets nobody bind an address that is local by a route alone.
func bindFreely(network, address string, connection syscall.RawConn) error {
	const ipv6FreeBind = 78 // IPV6_FREEBIND of linux/in6.h
	var failure error
	err := connection.Control(func(socket uintptr) {
		if network == "tcp6" {
			failure = syscall.SetsockoptInt(int(socket), syscall.IPPROTO_IPV6, ipv6FreeBind, 1)
		}
	})
	return errors.Join(err, failure)
}

// Serves HTTP/1.1 and h2c on 'address', or HTTP/1.1 and h2 over TLS where
// 'certificate' is not nil.
func (l *listenerSet) open(address string, who identity, certificate *tls.Certificate) error {
	config := net.ListenConfig{Control: bindFreely}
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		return err
	}
	tracking := &trackingListener{listener.(*net.TCPListener), l}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	server := &http.Server{
		Handler:           who,
		Protocols:         protocols,
		ReadHeaderTimeout: 5 * time.Minute,
		MaxHeaderBytes:    1 << 20,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	if certificate != nil {
		protocols.SetHTTP2(true)
		server.TLSConfig = &tls.Config{
			Certificates: []tls.Certificate{*certificate},
			ClientAuth:   tls.RequestClientCert,
		}
		go server.ServeTLS(tracking, "", "")
	} else {
		protocols.SetUnencryptedHTTP2(true)
		go server.Serve(tracking)
	}
	l.servers = append(l.servers, server)
	return nil
}

// Accepts nothing more and lets running requests end until 'ctx' does.
func (l *listenerSet) drain(ctx context.Context) {
	var running sync.WaitGroup
	for _, server := range l.servers {
		running.Add(1)
		go func() {
			defer running.Done()
			server.Shutdown(ctx)
		}()
	}
	running.Wait()
	l.close()
}

// Cuts every connection: what happens to a process that is killed.
func (l *listenerSet) close() {
	for _, server := range l.servers {
		server.Close()
	}
	l.servers = nil
	l.lock.Lock()
	left := make([]*trackedConn, 0, len(l.connections))
	for connection := range l.connections {
		left = append(left, connection)
	}
	l.lock.Unlock()
	for _, connection := range left {
		connection.Close()
	}
}
