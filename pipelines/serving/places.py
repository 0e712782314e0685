"""Where a server finds what its bento cannot know: environment variables, read at its start."""

# HOST:PORT of the gRPC door; without it there is none.
GRPC = "EVERGREEN_GRPC"
# The folder of the prediction log.
PREDICTIONS = "EVERGREEN_PREDICTIONS"
# The folder of the labels that come in by POST /feedback.
FEEDBACK = "EVERGREEN_FEEDBACK"
# The file with the key that identifiers are hashed with.
KEY = "EVERGREEN_LOG_KEY"
# The public keys that tokens are verified by, as a JWKS file; without it nobody is asked.
JWKS = "EVERGREEN_JWKS"
# Who makes the tokens, and whom they have to be for.
ISSUER = "EVERGREEN_ISSUER"
AUDIENCE = "EVERGREEN_AUDIENCE"
