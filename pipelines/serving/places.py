"""Where a server finds what its bento cannot know: environment variables, read at its start."""

# HOST:PORT of the gRPC door; without it there is none.
GRPC = "EVERGREEN_GRPC"
# The folder of the prediction log.
PREDICTIONS = "EVERGREEN_PREDICTIONS"
# The folder of the labels that come in by POST /feedback.
FEEDBACK = "EVERGREEN_FEEDBACK"
# The file with the key that identifiers are hashed with.
KEY = "EVERGREEN_LOG_KEY"
