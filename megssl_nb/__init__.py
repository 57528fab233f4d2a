"""Self-supervised learning on MEG, EEG, ECoG and fMRI time series: any recording, encoder, pretext task, protocol.

recordings   prepare, Store, PrepareConfig, open_source
windows      make_windows, WindowConfig, make_split, SplitConfig
encoders     Encoder, build_encoder, load_encoder, encoder_config
pretraining  build_stage, show, plot_shown, pretrain, PretrainConfig, load_stage
evaluation   evaluate, EvaluateConfig, baselines, MEGClassifier, MEGTransformer
studies      plan, ablate, report
"""
__version__ = "0.1.0"

_home = {name: module for module, names in {
    "store.store": "prepare Store",
    "store.preprocess": "PrepareConfig",
    "sources.raw": "open_source",
    "windows.cut": "make_windows WindowConfig",
    "windows.splits": "make_split SplitConfig",
    "models.encoder": "Encoder build_encoder load_encoder encoder_config",
    "pretext.stages": "build_stage",
    "pretext.base": "show plot_shown",
    "train.pretrain": "pretrain PretrainConfig load_stage",
    "evaluation.evaluate": "evaluate EvaluateConfig",
    "evaluation.baselines": "baselines",
    "evaluation.estimator": "MEGClassifier MEGTransformer",
    "studies.plan": "plan",
    "commands.ablation": "ablate",
    "reporting.report": "report",
}.items() for name in names.split()}
__all__ = list(_home)

def __getattr__(name):
    "Import a noun or verb of the package at its first use, so that `import megssl_nb` costs nothing."
    import sys
    if name not in _home:
        raise AttributeError(f"module 'megssl_nb' has no attribute '{name}'", name=name, obj=sys.modules[__name__])
    from importlib import import_module
    return getattr(import_module(f"megssl_nb.{_home[name]}"), name)

def __dir__():
    "The names that are loaded, and those that wait for their first use."
    return sorted({*globals(), *__all__})
