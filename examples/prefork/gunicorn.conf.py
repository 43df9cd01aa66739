"""How gunicorn runs `postage`: processes that are replaced after some requests."""

wsgi_app = "postage:application"
chdir = "examples/prefork"
workers = 3
worker_class = "gthread"
threads = 4
max_requests = 200
max_requests_jitter = 50
graceful_timeout = 10
