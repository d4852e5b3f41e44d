using Distributed.Roles.Coordinator;
using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>Shows log messages in the view, so that they and a live display don't write over each other.</summary>
internal sealed class ViewLoggerProvider(IRunView view) : ILoggerProvider
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new ViewLogger(view);

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private sealed class ViewLogger(IRunView view) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            string cause = exception is null ? "" : $" ({exception.Message.TrimEnd('.')})";
            view.Show(new Notice($"{logLevel.ToString().ToLowerInvariant()}: {formatter(state, exception)}{cause}"));
        }
    }
}
